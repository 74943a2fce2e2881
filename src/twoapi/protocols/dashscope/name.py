"""The protocol's name, and where its two kinds of models are served."""

NAME = "dashscope"

TEXT_PATH = "/services/aigc/text-generation/generation"
MEDIA_PATH = "/services/aigc/multimodal-generation/generation"
