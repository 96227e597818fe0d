"""What the page shows, as HTML; nothing here knows Gradio."""
