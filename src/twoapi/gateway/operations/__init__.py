"""Operations beside answers: relayed or converted, their forms streamed through."""
