"""Gradio's theme on top of our own colour variables, so that light and dark come from one place."""

from __future__ import annotations

import gradio as gr


def build_theme() -> gr.themes.Base:
    """The Base theme whose colours are the variables of assets/css/tokens.css; no fonts are fetched."""
    theme = gr.themes.Base(
        spacing_size="sm",
        text_size="sm",
        radius_size="sm",
        font=["Inter", "Noto Sans JP", "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
    colours = {
        "body_background_fill": "var(--bg)",
        "body_text_color": "var(--ink)",
        "body_text_color_subdued": "var(--ink-3)",
        "background_fill_primary": "var(--panel)",
        "background_fill_secondary": "var(--sunken)",
        "border_color_primary": "var(--line)",
        "border_color_accent": "var(--accent)",
        "color_accent_soft": "var(--accent-soft)",
        "block_background_fill": "var(--panel)",
        "block_border_color": "var(--line)",
        "block_label_text_color": "var(--ink-2)",
        "block_title_text_color": "var(--ink-2)",
        "block_info_text_color": "var(--ink-3)",
        "input_background_fill": "var(--panel)",
        "input_border_color": "var(--line-strong)",
        "input_border_color_focus": "var(--accent)",
        "input_placeholder_color": "var(--ink-3)",
        "button_primary_background_fill": "var(--accent)",
        "button_primary_background_fill_hover": "var(--accent)",
        "button_primary_border_color": "var(--accent)",
        "button_primary_text_color": "var(--accent-ink)",
        "button_secondary_background_fill": "var(--panel)",
        "button_secondary_background_fill_hover": "var(--sunken)",
        "button_secondary_border_color": "var(--line-strong)",
        "button_secondary_text_color": "var(--ink)",
    }
    return theme.set(
        color_accent="var(--accent)", **colours, **{f"{name}_dark": value for name, value in colours.items()}
    )
