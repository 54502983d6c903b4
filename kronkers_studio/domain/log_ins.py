"""What a server asks of the person who logs in: one-time codes, and whatever else it has to ask."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question in the server's own words, made safe to show. ``shown``: what is typed may be seen."""

    text: str
    shown: bool = False


@dataclass(frozen=True, slots=True)
class LogInQuestions:
    """Questions to be answered together, or not at all.

    ``server`` is the name of the server or jump host, ``account`` who logs in where ("ada@10.0.0.1"). ``instruction``
    is what the server says besides, "" for nothing. ``again``: earlier answers were not right. The answer to a question
    for the account's ``password`` may be kept by who asks; answers to anything else are used once and kept nowhere.
    """

    server: str
    account: str
    prompts: tuple[Prompt, ...]
    instruction: str = ""
    again: bool = False
    password: bool = False
