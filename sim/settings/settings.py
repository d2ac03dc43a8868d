"""User settings from a TOML file, ``.env``, the environment, and the command line.

Each of these four overrides the ones before it. A profile (``development``, ``test``,
``production``) changes defaults and is the weakest; the file may extend it in ``[profiles.NAME]``::

    threads = 4
    symbols = "block"

    [profiles.test]
    frames_per_second = 2

Every value is checked, and an error names the source of the value. Importing this module costs
0.2 s: code that needs no settings does not import it.
"""

from __future__ import annotations

import difflib
import json
import os
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, TypeVar

import platformdirs
from dotenv import dotenv_values
from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from sim.core.files import from_toml, read_bounded, read_bounded_text, write_whole
from sim.core.params import refusals
from sim.errors import FileError, SettingsError


class LanguageModelSettings(BaseSettings):
    """What a person sets once about language models; part of ``sim.settings.settings.Settings``."""

    llm_model: str = Field("", max_length=200, description="language model of members; empty: none")
    llm_url: str = Field(
        "https://api.openai.com/v1",
        min_length=1,
        max_length=500,
        description="address of its OpenAI-compatible server, /v1 included",
    )
    llm_key: SecretStr | None = Field(
        None, description="API key; better in the environment, as HUBBUB_LLM_KEY"
    )
    llm_headers: Annotated[dict[str, SecretStr], NoDecode] = Field(
        default_factory=dict,
        max_length=16,
        description='sent with each request: {"api-key" = "{key}"}, where {key} is the key',
    )
    llm_fallbacks: Annotated[tuple[str, ...], NoDecode] = Field(
        (), max_length=8, description="fallbacks: MODEL@URL; keys in HUBBUB_LLM_KEY_2 ..."
    )
    llm_local: bool = Field(
        False, description="use the model on this machine (hubbub llm install) and start its server"
    )
    llm_at_once: int = Field(32, ge=1, le=256, description="concurrent requests to one server")
    llm_requests_per_minute: float | None = Field(
        None, gt=0, description="rate limit of the account; default: none"
    )
    llm_tokens_per_minute: float | None = Field(
        None, gt=0, description="rate limit of the account; default: none"
    )
    llm_seconds: float = Field(
        30.0, gt=0, le=3600, description="timeout of a request, without waiting for rate limits"
    )
    llm_tick_seconds: float = Field(
        600.0, gt=0, le=86_400, description="timeout of a tick's decisions, waiting included"
    )
    llm_least_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="stop a run when models make less than this share of decisions; 0: never",
    )
    llm_requests: int | None = Field(
        None, ge=0, description="most requests of a run; default: no limit"
    )
    llm_tokens: int | None = Field(
        None, ge=0, description="most tokens of a run; default: no limit"
    )
    llm_dollars: float = Field(1.0, ge=0, le=1e6, description="most dollars of a run")
    llm_embeddings: str = Field(
        "", max_length=200, description="embedding model of the same server"
    )
    llm_prompt_tokens: int = Field(1000, ge=200, le=100_000, description="most tokens of a prompt")

    @field_validator("llm_least_share", mode="before")
    @classmethod
    def _share(cls, said: Any) -> Any:
        """Reject ``true``, which would be read as 1."""
        if isinstance(said, bool):
            raise ValueError("a number is needed, not true or false")  # noqa: TRY004 - it is told
        return said

    @field_validator("llm_fallbacks", mode="before")
    @classmethod
    def _listed(cls, said: Any) -> Any:
        """Parse a list from the environment: JSON, or MODEL@URL separated by commas.

        An invalid MODEL@URL is refused when it is used, without showing a possible password.
        """
        if not isinstance(said, str):
            return said
        try:
            found = json.loads(said)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list) and all(isinstance(part, str) for part in found):
            return found
        return [part.strip() for part in said.split(",") if part.strip()]

    @field_validator("llm_headers", mode="before")
    @classmethod
    def _table(cls, said: Any) -> Any:
        """Parse a table from the environment: JSON."""
        try:
            found = json.loads(said) if isinstance(said, str) else said
        except (ValueError, RecursionError):
            found = None
        texts = (str, SecretStr)
        if not isinstance(found, dict) or not all(isinstance(v, texts) for v in found.values()):
            raise ValueError('is a table of texts, in the environment as JSON: {"NAME": "TEXT"}')
        return found


APP = "hubbub"
PREFIX = "HUBBUB_"
MASK = "********"
_LOCATION = "HUBBUB_SETTINGS"
_OTHERS = {_LOCATION, "HUBBUB_SHARED_DATA", "HUBBUB_BACKUP_PASSPHRASE"}
"""Variables that other rooms read."""

_PROFILES: dict[str, dict[str, Any]] = {
    "development": {"log_level": "debug"},
    "test": {"log_level": "error", "frames_per_second": 4.0},
    "production": {},
}


S = TypeVar("S", bound="Settings")


class Settings(LanguageModelSettings):
    """Every setting, checked; immutable.

    Raises
    ------
    SettingsError
        From :func:`load_settings`: one sentence that names the value and where it came from.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=PREFIX, env_ignore_empty=True, allow_inf_nan=False
    )

    profile: Literal["development", "test", "production"] = Field(
        "production", description="which defaults apply"
    )
    saves: Path | None = Field(
        None, description="folder of saved worlds; default: ./saves, or the platform's data folder"
    )
    threads: int | None = Field(
        None, ge=1, le=1024, description="threads for feeds and digests; default: one per core"
    )
    frames_per_second: float = Field(
        10.0, ge=0.2, le=30, description="how often the screen follows the engine"
    )
    max_running: int = Field(
        1000, ge=1, le=1_000_000, description="most cascades that run at once; more are queued"
    )
    symbols: Literal["braille", "block", "ascii"] = Field(
        "braille", description="symbols of curves and maps"
    )
    theme: str = Field("", max_length=64, description="colour theme of the screen; empty: default")
    calm: bool = Field(False, description="less motion on the screen")
    model: str = Field(
        "independent-cascade", min_length=1, max_length=128, description="propagation model"
    )
    memory_soft_mb: int | None = Field(
        None, ge=16, description="warn about a world estimated above this"
    )
    plugin_patience: float = Field(
        6.0, ge=1, le=86_400, description="seconds that a call of a third-party plugin may take; "
        "plus one for each million members and ties",
    )  # fmt: skip
    memory_hard_mb: int | None = Field(
        None, ge=16, description="refuse a world estimated above this; default: free memory"
    )
    journal: Literal["on", "off", "ask"] = Field(
        "on", description="keep a journal of worlds on the screen, so that nothing is lost"
    )
    checkpoint_ticks: int = Field(1000, ge=1, description="ticks between checkpoints, when live")
    checkpoint_seconds: float = Field(60.0, ge=0.1, description="the same, in seconds")
    checkpoint_replay: float = Field(
        4.0, ge=0.1, description="the same, in seconds of computing that a recovery repeats"
    )
    checkpoints_kept: int = Field(2, ge=2, le=10_000, description="checkpoints to keep")
    journal_mb: int = Field(
        256, ge=0, le=1 << 24,
        description="most MB of a journal; beyond, the older half is dropped; 0: no limit",
    )  # fmt: skip
    history_mb: int = Field(
        2048, ge=0, le=1 << 24,
        description="most MB of history beside each world; beyond, old ticks are dropped; 0: none",
    )  # fmt: skip
    undo_mb: int = Field(128, ge=0, le=1 << 20, description="memory for undo, MB; 0: none")
    metrics_port: int | None = Field(
        None, ge=0, le=65_535, description="port of /metrics and /healthz; 0: any free one"
    )
    alert_command: str = Field(
        "", max_length=4096,
        description="command run with each alert as JSON on standard input, without a shell; "
        "ignored in .env files",
    )  # fmt: skip
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="log level")
    log_folder: Path | None = Field(
        None, description="folder of logs and crash reports; default: the platform's"
    )
    keymap: Path | None = Field(None, description="TOML file of action = keys; default: as in help")
    metrics: tuple[str, ...] = Field(
        (), max_length=64, description="metrics shown in Live; choose them with G"
    )

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)
    _recipe: _Recipe = PrivateAttr(default_factory=lambda: _Recipe())

    @field_validator("alert_command")
    @classmethod
    def _split(cls, value: str) -> str:
        try:
            shlex.split(value)
        except ValueError as error:
            raise ValueError(f"is a command and its words: {str(error).lower()}") from None
        return value

    @field_validator("saves", "log_folder", "keymap")
    @classmethod
    def _at_home(cls, value: Path | None) -> Path | None:
        return value.expanduser() if value is not None else None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use only what :func:`load_settings` gathered: it knows the source of each value."""
        return (init_settings,)

    @property
    def provenance(self) -> dict[str, str]:
        """The source of each value, such as ``"the environment variable HUBBUB_THREADS"``."""
        names = sorted(type(self).model_fields, key=lambda name: name.startswith("llm_"))
        return {name: self._origins.get(name, "default") for name in names}

    @property
    def saves_folder(self) -> Path:
        """Folder for worlds: ``saves``, else ./saves if it exists, else the data folder."""
        if self.saves is not None:
            return self.saves
        here = Path("saves")
        return here.resolve() if here.is_dir() else platformdirs.user_data_path(APP) / "saves"

    @property
    def logs(self) -> Path:
        """Folder for logs and crash reports."""
        return self.log_folder or platformdirs.user_log_path(APP)

    @property
    def keys(self) -> dict[str, str]:
        """Action id to keys, from the keymap file; empty without one.

        Raises
        ------
        SettingsError
            If the file is missing or is not a table of ``action = "keys"``.
        """
        if self.keymap is None:
            return {}
        table = read_table(self.keymap, must_exist=True)
        wrong = [name for name, keys in table.items() if not isinstance(keys, str)]
        if wrong:
            raise SettingsError(
                f'{self.keymap}: a keymap has lines such as pause = "space"; {wrong[0]!r} is not.'
            )
        return table

    @property
    def files(self) -> tuple[Path, Path]:
        """The settings file and the .env file; neither need exist."""
        return self._recipe.file or settings_path(), self._recipe.dotenv

    @property
    def notes(self) -> list[str]:
        """Notes on variables with names like settings that are not settings."""
        asked = len(self.llm_fallbacks) + bool(self.llm_model)
        keys = {f"{PREFIX}LLM_KEY_{number}" for number in range(2, asked + 1)}  # of those after
        known = {PREFIX + name.upper() for name in type(self).model_fields} | _OTHERS | keys
        given = {*os.environ, *dotenv_values(self._recipe.dotenv)}
        return list(unknown_variables(PREFIX, known, given))

    def reloaded(self) -> Self:
        """Read everything again, with the same command line.

        Returns
        -------
        Self
            New settings.

        Raises
        ------
        SettingsError
            As :func:`load_settings`.
        """
        return _gather(type(self), self._recipe)


class _Recipe(NamedTuple):
    """The arguments of :func:`load_settings`, for reloading."""

    file: Path | None = None
    profile: str | None = None
    flags: tuple[tuple[str, Any], ...] = ()
    dotenv: Path = Path(".env")


class SettingChange(NamedTuple):
    """One changed setting; secrets are shown as stars."""

    name: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.name} is now {shown(self.new)} (was {shown(self.old)})"


class SettingsWatch:
    """Detects changed settings; cheap enough for every second.

    Parameters
    ----------
    settings
        The settings in force; default: :func:`current`.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or current()
        self._seen = self._stamps()

    def changed(self) -> list[SettingChange]:
        """Check the files again, and apply changed settings.

        Returns
        -------
        list of SettingChange
            Empty when nothing changed.

        Raises
        ------
        SettingsError
            Once for each invalid state of the files; the old settings stay.
        """
        stamps = self._stamps()
        if stamps == self._seen:
            return []
        self._seen = stamps
        before, self.settings = self.settings, self.settings.reloaded()
        use(self.settings)
        return [
            SettingChange(name, old, new)
            for name in type(before).model_fields
            if (old := getattr(before, name)) != (new := getattr(self.settings, name))
        ]

    def _stamps(self) -> list[tuple[int, int]]:
        return [stamp(path) for path in self.settings.files]


def settings_path() -> Path:
    """Return the settings file: ``HUBBUB_SETTINGS``, else that in the platform's folder."""
    named = os.environ.get(_LOCATION)
    return Path(named) if named else platformdirs.user_config_path(APP) / "settings.toml"


def load_settings(
    file: str | Path | None = None, *, profile: str | None = None, **flags: Any
) -> Settings:
    """Load the settings from all their sources.

    Parameters
    ----------
    file
        The settings file; default: ``HUBBUB_SETTINGS``, else the platform's. A given file must
        exist.
    profile
        ``"development"``, ``"test"`` or ``"production"``; default: from the other sources.
    **flags
        Values from the command line, by name; ``None`` counts as not given.

    Returns
    -------
    Settings
        Checked.

    Raises
    ------
    SettingsError
        One sentence: which value, what is allowed, what was given, and its source.
    """
    given = tuple((name, value) for name, value in flags.items() if value is not None)
    recipe = _Recipe(Path(file) if file else None, profile, given, Path(".env").absolute())
    return _gather(Settings, recipe)


def shown(value: object) -> str:
    """Return a value in the form to show: secrets as stars."""
    if isinstance(value, SecretStr):
        return MASK
    return "" if value is None else str(value)


_in_force: list[Settings] = []


def use(settings: Settings) -> None:
    """Put settings into force for the whole process."""
    _in_force[:] = [settings]


def current() -> Settings:
    """Return the settings in force; load them on first use.

    Raises
    ------
    SettingsError
        As :func:`load_settings`.
    """
    if not _in_force:
        use(load_settings())
    return _in_force[0]


def _gather(cls: type[S], recipe: _Recipe) -> S:
    """Overlay the sources, weakest first, and check the result."""
    path = recipe.file or settings_path()
    table = read_table(path, must_exist=recipe.file is not None or bool(os.environ.get(_LOCATION)))
    profiles = profile_tables(path, table.pop("profiles", {}), _PROFILES)
    dotenv = _known(cls, DotEnvSettingsSource(cls, env_file=recipe.dotenv)())
    if dotenv.get("alert_command"):  # a foreign folder must not run commands here
        raise SettingsError(
            f"The file {recipe.dotenv} sets alert_command; set it in {path} or as "
            f"{PREFIX}ALERT_COMMAND."
        )
    environment = EnvSettingsSource(cls)()
    flags = dict(recipe.flags) | ({"profile": recipe.profile} if recipe.profile else {})
    plain = [
        (f"the file {path}", table),
        (f"the file {recipe.dotenv}", dotenv),
        ("the environment variable {variable}", environment),
        ("the command line (--{flag})", flags),
    ]
    name = str(_flat(plain).get("profile", "production"))
    layers = [
        (f"the profile {name}", _PROFILES.get(name, {})),
        plain[0],
        (f"the file {path}, [profiles.{name}]", profiles.get(name, {})),
        *plain[1:],
    ]
    origins = {key: _origin(key, place) for place, values in layers for key in values}
    try:
        settings = cls(**_flat(layers))
    except ValidationError as error:
        clauses = [_placed(clause, origins.get(key)) for key, clause in refusals(cls, error)]
        raise SettingsError("; ".join(clauses) + ".") from None
    settings._origins, settings._recipe = origins, recipe
    return settings


def _flat(layers: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    return {key: value for _, values in layers for key, value in values.items()}


def _origin(key: str, place: str) -> str:
    named = place.replace("{variable}", PREFIX + key.upper())
    return named.replace("{flag}", key.replace("_", "-"))


def _placed(clause: str, origin: str | None) -> str:
    said = clause.replace("no parameter", "no setting", 1)
    return f"{said} ({origin})" if origin else said


def _known(cls: type[Settings], values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out variables for other programs in a shared .env."""
    return {name: value for name, value in values.items() if name in cls.model_fields}


def read_table(path: Path, *, must_exist: bool) -> dict[str, Any]:
    """Return the TOML table of a file, empty if it is absent and may be."""
    try:
        return from_toml(read_bounded_text(path))
    except FileNotFoundError:
        if must_exist:
            raise SettingsError(
                f"{path}: there is no such file; create it or name another."
            ) from None
        return {}
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(f"{path}: cannot be read as TOML: {reason}.") from None


def profile_tables(
    path: Path, profiles: object, names: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Return the profiles in a file, each a table under one of ``names``."""
    tables: dict[str, Any] = profiles if isinstance(profiles, dict) else {"": profiles}
    for name, table in tables.items():
        if name not in names or not isinstance(table, dict):
            known = ", ".join(f"[profiles.{known}]" for known in names)
            raise SettingsError(f"{path}: profiles are {known}, got {name!r}.")
    return tables


def unknown_variables(prefix: str, known: Collection[str], given: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each variable with our prefix and an unknown name."""
    for name in sorted(set(given)):
        if name.startswith(prefix) and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
            hint = f"did you mean {near[0]}?" if near else "`hubbub config` lists them."
            yield f"{name} is no setting and changes nothing; {hint}"


def stamp(path: Path) -> tuple[int, int]:
    """Return (time of change in ns, size) of a file, (0, -1) if there is none."""
    try:
        stat = path.stat()
    except OSError:
        return (0, -1)
    return (stat.st_mtime_ns, stat.st_size)


def with_words(text: str, name: str, words: Sequence[str]) -> str:
    r"""Return the text of a settings file with a setting changed to a list of words."""
    import tomlkit

    from_toml(text)  # bounded, with the same errors as every other reader
    document = tomlkit.parse(text)
    document.pop(name, None)
    if words:
        document[name] = list(words)
    return tomlkit.dumps(document)


def keep_words(path: Path, name: str, words: Sequence[str]) -> None:
    """Write a setting that is a list of words into a settings file, atomically.

    Links are followed. Settings may hold keys: a new file is private to its owner.

    Raises
    ------
    FileError
        If the file cannot be read or written.
    """
    try:
        text = read_bounded(path).decode("utf-8-sig") if path.exists() else ""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, with_words(text, name, words), is_private=True)
    except (OSError, ValueError) as error:
        raise FileError(path, f"the setting {name} cannot be kept there: {error}") from None
