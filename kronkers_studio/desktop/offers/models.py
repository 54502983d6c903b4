"""What can be done with models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from kronkers_studio.desktop.actions import Act, Action, Command, Kind
from kronkers_studio.desktop.destinations import (
    AddModelFile,
    AddVersion,
    AllowCode,
    ChooseLibraries,
    CompareVersions,
    DescribeVersion,
    OpenIn,
    PackageVersion,
    PutLive,
    RunModelTests,
    ShowLineage,
    ShowModel,
    ShowModelVersion,
    StateSignature,
)
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.offers.services import put_live_words
from kronkers_studio.desktop.place_words import place_title, place_words
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.stated_signatures import is_untold, may_be_stated


def version_actions(version: ModelVersion) -> list[Action]:
    """What can be done with a model version."""
    return [
        put_live(version),
        package_version(version),
        run_tests(version),
        compare_version(version),
        describe_version(version),
        *signature_of(version),
        *libraries_of(version),
        *code_of(version),
        lineage_of(version),
        source_of(version),
    ]


def show_version(version: ModelVersion) -> Action:
    """All that is known of it, on its model's own page."""
    words = tr("Everything about {model} version {version}")
    also = tr("open page details card metrics versions")
    return _of_version(version, words, tr("Everything about it"), also, ShowModelVersion, "models")


def package_version(version: ModelVersion) -> Action:
    """Build its package: for this computer, into a file or a registry."""
    words = tr("Package {model} version {version} …")
    also = tr("build image container oci docker export push registry archive")
    return _of_version(version, words, tr("Package …"), also, PackageVersion, "archive")


def run_tests(version: ModelVersion) -> Action:
    """Check what its test set expects of its service."""
    words = tr("Test {model} version {version}")
    also = tr("tests check verify expectations gate quality junit ci")
    return _of_version(version, words, tr("Test it"), also, RunModelTests, "check")


def add_version(model: str) -> Action:
    """Register another file as its next version."""
    words = tr("Register a new version of {model} …").format(model=model)
    also = tr("next version add update upload import retrain")
    return Action(Kind.ACTION, words, AddVersion(model), "plus", tr("New version …"), tr("From a file"), also)


def check_package() -> Action:
    """Whether a package is what was packaged, and who signed it."""
    words = tr("Check a package …")
    where, also = (
        tr("In a file or a registry: is it whole, and who signed it?"),
        tr("verify signature digest image oci"),
    )
    return Action(Kind.ACTION, words, Command.CHECK_PACKAGE, "shield", tr("Check a package …"), where, also)


def compare_version(version: ModelVersion) -> Action:
    """See it beside another version."""
    also = tr("difference diff side by side metrics quality better")
    return _of_version(
        version, tr("Compare {model} version {version} …"), tr("Compare …"), also, CompareVersions, "data"
    )


def describe_version(version: ModelVersion) -> Action:
    """Say what it is for, and add what was measured of it."""
    also = tr("card description tags metrics quality measure edit limits intended use")
    words = tr("Describe {model} version {version} …")
    return _of_version(version, words, tr("Describe …"), also, DescribeVersion, "document")


def libraries_of(version: ModelVersion) -> list[Action]:
    """Which libraries its service runs on, to be looked at and changed; none for one whose base image has them."""
    if version.facts.framework.in_container_only:
        return []
    also = tr("libraries dependencies requirements packages python version pip environment pandas numpy")
    words = tr("Libraries of {model} version {version} …")
    return [_of_version(version, words, tr("Libraries …"), also, ChooseLibraries, "archive")]


def after_registration(version: ModelVersion) -> tuple[str, Action | None]:
    """What comes next for a version that was just registered, and what leads there; None for what stands beside it."""
    if not version.allowed.issuperset(version.facts.unsafe):
        words = tr("It asks for code that is on no list. It can be packaged once that is allowed.")
        return words, code_of(version)[0]
    if is_untold(version):
        return tr("Its file does not say what it takes. Say it, and rows can be sent to it."), signature_of(version)[0]
    if version.facts.framework.in_container_only:
        return tr("Put it live on a server to send it rows and watch its charts."), None
    return tr("Put it live to send it rows and watch its charts."), None


def code_of(version: ModelVersion) -> list[Action]:
    """Let its file use code that is on no list, or take that back; none for a file that asks for no such code."""
    if not version.facts.unsafe:
        return []
    also = tr("allow code class function own safety trust unsafe pickle take back disallow")
    words = tr("Code that {model} version {version} may use …")
    left = not version.allowed.issuperset(version.facts.unsafe)
    short = tr("Allow its code …") if left else tr("Allowed code …")
    return [_of_version(version, words, short, also, AllowCode, "shield")]


def signature_of(version: ModelVersion) -> list[Action]:
    """Say what it takes and gives; none where its file says it."""
    if not may_be_stated(version.facts):
        return []
    also = tr("signature inputs outputs shape type tensor columns classes names")
    words = tr("What {model} version {version} takes and answers …")
    return [_of_version(version, words, tr("Say what it takes …"), also, StateSignature, "data")]


def source_of(version: ModelVersion) -> Action:
    """Work on what it was trained with."""
    words = tr("Open the project of {model} version {version} in an editor …")
    also = tr("source code script train vscode rstudio jupyter pycharm edit checkout")
    act = OpenIn(version.source.project, version.source.commit)
    return _of_version(version, words, tr("Open in …"), also, lambda _label: act, "code")


def lineage_of(version: ModelVersion) -> Action:
    """Where it comes from and what was made of it."""
    also = tr("lineage origin provenance data script trained where from")
    words = tr("Where {model} version {version} comes from …")
    return _of_version(version, words, tr("Follow it further …"), also, ShowLineage, "history")


def _of_version(
    version: ModelVersion, title: str, short: str, also: str, act: Callable[[str], Act], icon: str
) -> Action:
    words = title.format(model=version.name, version=version.version)
    return Action(Kind.ACTION, words, act(version.label), icon, short, framework_words(version), also)


def put_live(version: ModelVersion) -> Action:
    title = tr("Put version {version} of {model} live …").format(version=version.version, model=version.name)
    act = PutLive(version.name, version.version)
    return Action(Kind.ACTION, title, act, "deploy", tr("Put live …"), framework_words(version), put_live_words())


def add_model_file() -> Action:
    words = tr("Add a model file …")
    where, also = tr("One from anywhere on this computer"), tr("register import upload open joblib pickle onnx")
    return Action(Kind.ACTION, words, AddModelFile(), "plus", tr("Add a file …"), where, also)


def put_any_live() -> Action:
    words = tr("Put a version live …")
    where, also = tr("On this computer or on a server"), f"{put_live_words()} {tr('model')}"
    return Action(Kind.ACTION, words, PutLive(), "deploy", tr("Put live …"), where, also, useful=True)


def put_live_in(place: str) -> Action:
    """Put whichever model live there."""
    title = tr("Put a model live on {place} …").format(place=place_words(place))
    also = f"{put_live_words()} {tr('put live here')}"
    act = PutLive(place=place)
    return Action(Kind.ACTION, title, act, "deploy", tr("Put live here …"), place_title(place), also)


def model_entries(versions: Sequence[ModelVersion]) -> Iterator[Action]:
    """The models' own pages, and each version on them."""
    for name in dict.fromkeys(version.name for version in versions):
        newest = max((each for each in versions if each.name == name), key=lambda each: each.version)
        yield Action(Kind.MODEL, name, ShowModel(name), "models", where=framework_words(newest), also=tr("model page"))
    for version in versions:
        title = tr("{model} version {version}").format(model=version.name, version=version.version)
        also = " ".join([version.label, version.description, *version.aliases])
        act = ShowModelVersion(version.label)
        yield Action(Kind.MODEL, title, act, "models", where=framework_words(version), also=also)


def framework_words(version: ModelVersion) -> str:
    return f"{version.facts.framework.label} {version.facts.framework_version}".strip()
