"""The page: the only place that imports Gradio."""
