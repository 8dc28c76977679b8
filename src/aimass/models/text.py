"""Networks for words: a bag of vectors, or two LSTMs that read forwards and backwards.

N = rows, T = words, E = vector of a word, H = state of an LSTM.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.models.activations import Activation, activation
from aimass.models.base import Architecture
from aimass.models.columns import Bag, Columns
from aimass.models.initialise import Initialisation, initialise
from aimass.models.inputs import kind_of, require


class TextNet(Architecture):
    """Texts as bags of word vectors (Joulin et al. 2016, arXiv 1607.01759) or read by a bi-LSTM."""

    encoder: Literal["bag", "lstm"] = knob("bag", help="bag is quick; lstm sees the order of words")
    words: int = knob(64, 2, 512, log=True, help="length of the vector of a word")
    hidden: int = knob(64, 2, 1024, log=True, help="units of the layer before the last, and of an LSTM's state")
    tokens: int = knob(200, 1, 10_000, log=True, help="words of a text that an LSTM reads; a bag takes all")
    dropout: float = knob(0.2, 0.0, 0.9)
    embedding: int = knob(32, 1, 512, log=True, help="longest vector of a category column")
    activation: Activation = knob("relu", help="before the last layer")
    initialisation: Initialisation = knob("torch", help="of the last two layers' weights before the first step")

    def build(self, signature: Signature) -> nn.Module:
        """A module tensors -> scores.  Raises InputError for images, or when there is no text."""
        require("text", signature, takes=("words", "numbers", "categories"), needs=("words",))
        return TextModule(self, signature)


class TextModule(nn.Module):
    """Encoded texts and other columns side by side -> one layer -> scores."""

    def __init__(self, part: TextNet, signature: Signature) -> None:
        super().__init__()
        self.places = [i for i, field in enumerate(signature.inputs) if kind_of(field) == "words"]
        sizes = [max(signature.inputs[i].sizes) for i in self.places]
        self.encoders = nn.ModuleList(_encoder(part, vocabulary) for vocabulary in sizes)
        self.columns = Columns(signature, embedding=part.embedding, words=0, kinds=("numbers", "categories"))
        encoded = part.words if part.encoder == "bag" else 2 * part.hidden
        width = encoded * len(self.places) + self.columns.width
        self.layers = nn.Sequential(
            nn.Dropout(part.dropout),
            nn.Linear(width, part.hidden),
            activation(part.activation),
            nn.Dropout(part.dropout),
            nn.Linear(part.hidden, signature.width),
        )
        initialise(self, part.initialisation, part.activation)

    def forward(self, *tensors: Tensor) -> Tensor:
        parts = [encoder(tensors[i]) for i, encoder in zip(self.places, self.encoders, strict=True)]
        if self.columns.places:
            parts.append(self.columns(*tensors))
        scores: Tensor = self.layers(torch.cat(parts, dim=1))
        return scores


class BiLstm(nn.Module):
    """Mean over the words of both LSTMs' states.  [N, T] -> [N, 2 * H]

    The backward LSTM reads each text turned round within its own length: with padding first, its state would
    depend on how much padding there is.
    """

    def __init__(self, vocabulary: int, width: int, hidden: int, tokens: int) -> None:
        super().__init__()
        self.tokens = tokens
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=0)
        self.forwards = nn.LSTM(width, hidden, batch_first=True)
        self.backwards = nn.LSTM(width, hidden, batch_first=True)

    def forward(self, words_NT: Tensor) -> Tensor:
        words_NT = words_NT[:, : self.tokens].long()
        known_NT = words_NT != 0
        length_N1 = known_NT.sum(dim=1, keepdim=True)
        turned = (length_N1 - 1 - torch.arange(words_NT.shape[1])).clamp(min=0)
        ahead, _ = self.forwards(self.embedding(words_NT))
        back, _ = self.backwards(self.embedding(words_NT.gather(1, turned)))
        states = torch.cat([ahead, back], dim=2) * known_NT[:, :, None]
        return states.sum(dim=1) / length_N1.clamp(min=1)


def _encoder(part: TextNet, vocabulary: int) -> nn.Module:
    if part.encoder == "bag":
        return Bag(vocabulary, part.words)
    return BiLstm(vocabulary, part.words, part.hidden, part.tokens)
