"""The protocol's name, and where its models are served."""

NAME = "qianfan-v1"

PATH = "/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/"
