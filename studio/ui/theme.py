"""Gradio's theme on top of our own colour variables, so that light and dark come from one place."""

from __future__ import annotations

import gradio as gr
from gradio.themes.utils.sizes import Size

TEXT = Size(name="ws-text", xxs="12px", xs="12px", sm="12px", md="13px", lg="13px", xl="15px", xxl="18px")
RADIUS = Size(name="ws-radius", xxs="4px", xs="4px", sm="4px", md="6px", lg="6px", xl="6px", xxl="6px")
SPACING = Size(name="ws-space", xxs="1px", xs="2px", sm="4px", md="6px", lg="8px", xl="12px", xxl="16px")

FONT = ["Inter", "Noto Sans JP", "Noto Sans CJK JP", "system-ui", "Hiragino Kaku Gothic ProN", "Yu Gothic UI", "Meiryo"]

COLOURS = {
    "body_background_fill": "var(--bg)",
    "body_text_color": "var(--ink)",
    "body_text_color_subdued": "var(--ink-3)",
    "background_fill_primary": "var(--panel)",
    "background_fill_secondary": "var(--sunken)",
    "border_color_primary": "var(--line)",
    "border_color_accent": "var(--accent)",
    "border_color_accent_subdued": "var(--line-strong)",
    "color_accent_soft": "var(--accent-soft)",
    "link_text_color": "var(--accent)",
    "link_text_color_hover": "var(--accent)",
    "link_text_color_active": "var(--accent)",
    "link_text_color_visited": "var(--accent)",
    "block_background_fill": "transparent",
    "block_border_color": "var(--line)",
    "block_label_background_fill": "var(--panel)",
    "block_label_border_color": "var(--line)",
    "block_label_text_color": "var(--ink-2)",
    "block_title_text_color": "var(--ink-2)",
    "block_info_text_color": "var(--ink-3)",
    "panel_background_fill": "var(--panel)",
    "panel_border_color": "var(--line)",
    "accordion_text_color": "var(--ink)",
    "table_text_color": "var(--ink)",
    "input_background_fill": "var(--panel)",
    "input_background_fill_focus": "var(--panel)",
    "input_background_fill_hover": "var(--panel)",
    "input_border_color": "var(--line-strong)",
    "input_border_color_focus": "var(--accent)",
    "input_border_color_hover": "var(--line-strong)",
    "input_placeholder_color": "var(--ink-3)",
    "input_shadow": "none",
    "input_shadow_focus": "0 0 0 1px var(--accent)",
    "checkbox_background_color": "var(--panel)",
    "checkbox_background_color_selected": "var(--accent)",
    "checkbox_border_color": "var(--line-strong)",
    "checkbox_border_color_focus": "var(--accent)",
    "checkbox_border_color_selected": "var(--accent)",
    "checkbox_label_background_fill": "transparent",
    "checkbox_label_background_fill_hover": "var(--sunken)",
    "checkbox_label_background_fill_selected": "var(--accent-soft)",
    "checkbox_label_border_color": "var(--line-strong)",
    "checkbox_label_border_color_selected": "var(--accent)",
    "checkbox_label_text_color": "var(--ink)",
    "checkbox_label_text_color_selected": "var(--ink)",
    "error_background_fill": "var(--bad-soft)",
    "error_border_color": "var(--bad)",
    "error_text_color": "var(--bad)",
    "error_icon_color": "var(--bad)",
    "slider_color": "var(--accent)",
    "loader_color": "var(--accent)",
    "button_primary_background_fill": "var(--accent)",
    "button_primary_background_fill_hover": "var(--accent)",
    "button_primary_border_color": "var(--accent)",
    "button_primary_border_color_hover": "var(--accent)",
    "button_primary_text_color": "var(--accent-ink)",
    "button_primary_text_color_hover": "var(--accent-ink)",
    "button_secondary_background_fill": "var(--panel)",
    "button_secondary_background_fill_hover": "var(--sunken)",
    "button_secondary_border_color": "var(--line-strong)",
    "button_secondary_border_color_hover": "var(--line-strong)",
    "button_secondary_text_color": "var(--ink)",
    "button_secondary_text_color_hover": "var(--ink)",
}
"""Both twins get the same variable; the variable itself changes with the theme."""

SIZES = {
    "color_accent": "var(--accent)",
    "block_border_width": "0px",
    "block_padding": "0px",
    "block_radius": "0px",
    "block_shadow": "none",
    "block_title_text_size": "12px",
    "block_title_text_weight": "400",
    "block_title_padding": "0",
    "block_info_text_size": "12px",
    "block_label_text_size": "12px",
    "layout_gap": "10px",
    "form_gap_width": "0px",
    "panel_border_width": "0px",
    "section_header_text_size": "13px",
    "section_header_text_weight": "600",
    "input_border_width": "1px",
    "input_padding": "5px 9px",
    "input_radius": "6px",
    "input_text_size": "13px",
    "checkbox_label_text_size": "13px",
    "checkbox_label_padding": "4px 9px",
    "checkbox_label_gap": "6px",
    "checkbox_label_shadow": "none",
    "checkbox_shadow": "none",
    "button_border_width": "1px",
    "button_transition": "none",
    "button_large_padding": "5px 12px",
    "button_large_radius": "6px",
    "button_large_text_size": "13px",
    "button_large_text_weight": "400",
    "button_small_padding": "2px 9px",
    "button_small_radius": "6px",
    "button_small_text_size": "12px",
    "button_small_text_weight": "400",
    "button_primary_shadow": "none",
    "button_primary_shadow_hover": "none",
    "button_primary_shadow_active": "none",
    "button_secondary_shadow": "none",
    "button_secondary_shadow_hover": "none",
    "button_secondary_shadow_active": "none",
}


def build_theme() -> gr.themes.Base:
    """The Base theme whose colours are the variables of assets/css/tokens.css; no fonts are fetched."""
    theme = gr.themes.Base(
        spacing_size=SPACING,
        text_size=TEXT,
        radius_size=RADIUS,
        font=FONT,
        font_mono=["ui-monospace", "monospace"],
    )
    return theme.set(**SIZES, **COLOURS, **{f"{name}_dark": value for name, value in COLOURS.items()})
