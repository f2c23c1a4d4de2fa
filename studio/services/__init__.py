"""The use cases that the tabs call. No Gradio here, and every call takes the person."""
