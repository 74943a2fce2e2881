"""The dialect's name."""

NAME = "hunyuan"
