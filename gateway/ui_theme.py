"""Gradio's theme for the page: fonts that it serves itself, a restrained palette, nothing from another server."""

from __future__ import annotations

import gradio as gr


def theme() -> gr.themes.Base:
    """The theme; the page's own parts are styled in ``gateway/page/style.css`` with the same colours."""
    base = gr.themes.Base(
        primary_hue=gr.themes.colors.cyan,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_md,
        font=("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"),
        font_mono=("ui-monospace", "Cascadia Mono", "Menlo", "Consolas", "monospace"),
    )
    return base.set(
        body_background_fill="#f3f5f7",
        body_background_fill_dark="#0c1115",
        body_text_color="#17212b",
        body_text_color_dark="#e4eaef",
        block_background_fill="#ffffff",
        block_background_fill_dark="#141b21",
        block_border_color="#d8dfe5",
        block_border_color_dark="#27323b",
        body_text_color_subdued="#52606d",
        body_text_color_subdued_dark="#9fadb9",
    )
