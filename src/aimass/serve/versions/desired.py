"""What should be served under a name: a plan, and the steps from one plan to the next.

Knows versions by their words alone; nothing is loaded here.  Every step gives a new plan or raises Refused, so a plan
always makes sense.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from aimass.core.errors import suggest
from aimass.serve.messages import Refused
from aimass.serve.versions.traffic import Traffic


@dataclass(frozen=True)
class Plan:
    """SHARES of the requests that name no version, oldest version first; LABELS are words for versions.

    SHADOW gets copies of requests and answers nobody.  PAST are versions that had all requests before, newest last:
    the last one stays loaded until the one after it has proved itself.
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    sticky: str = ""
    shadow: str = ""
    past: tuple[str, ...] = ()
    proved: bool = True

    @property
    def stable(self) -> str:
        """The oldest of the versions that have a share."""
        return next(iter(self.shares), "")

    @property
    def before(self) -> str | None:
        """The version to return to."""
        return self.past[-1] if self.past else None

    @property
    def needed(self) -> tuple[str, ...]:
        """Versions that are to be loaded."""
        back = self.past[-1:] if not self.proved else ()
        shadow = (self.shadow,) if self.shadow else ()
        return tuple(dict.fromkeys((*self.shares, *self.labels.values(), *shadow, *back)))

    @property
    def traffic(self) -> Traffic:
        return Traffic(tuple(self.shares.items()), self.sticky.lower())  # as names of fields are heard

    # -- steps ------------------------------------------------------------------------------------------------

    def serve(self, version: str) -> Plan:
        """All requests to VERSION; the one that had them stays ready until it has proved itself."""
        if version == self.stable and len(self.shares) == 1:
            return self
        return self._sharing({version: 1.0}, [*self.past, *list(self.shares)[:1]])

    def canary(self, version: str, share: float, sticky: str | None = None) -> Plan:
        """SHARE of the requests to VERSION, the rest to the stable one."""
        stable = next((one for one in self.shares if one != version), None)
        if stable is None:
            raise Refused(409, f"{version!r} would be the only version", to_do="let it have all requests instead")
        if not 0 <= share <= 1:
            raise Refused(400, f"the share is {share!r}", expected="a number from 0 to 1")
        sticky = self.sticky if sticky is None else sticky
        return replace(self._sharing({stable: 1 - share, version: share}, self.past), sticky=sticky, proved=self.proved)

    def split(self, shares: Mapping[str, float], sticky: str | None = None) -> Plan:
        """Requests by SHARES, for a test of several versions against each other."""
        total = sum(shares.values())
        if not shares or not min(shares.values()) >= 0 or not abs(total - 1) <= 1e-6:
            raise Refused(400, f"the shares add up to {total:g}", expected="shares from 0 that add up to 1")
        order = [*(one for one in self.shares if one in shares), *(one for one in shares if one not in self.shares)]
        sticky = self.sticky if sticky is None else sticky
        changed = self._sharing({one: shares[one] for one in order}, self.past)
        return replace(changed, sticky=sticky, proved=self.proved)

    def promote(self) -> Plan:
        """All requests to the canary."""
        if len(self.shares) != 2:
            raise Refused(409, "there is no canary", expected="a version that has a share of the requests")
        return self.serve(list(self.shares)[-1])

    def rollback(self) -> Plan:
        """Take a canary back; without one, all requests to the version before."""
        if len(self.shares) > 1:
            return replace(self, shares={next(iter(self.shares)): 1.0})
        if self.before is None:
            raise Refused(409, "there is no version to return to", expected="one that had all requests before")
        return replace(self._sharing({self.before: 1.0}, self.past[:-1]), proved=True)

    def prove(self) -> Plan:
        """The version that has all requests may stay: the one before need not be ready any more."""
        return replace(self, proved=True)

    def mirror(self, version: str) -> Plan:
        """Copies of requests to VERSION; to none where it is empty."""
        if version and version in self.shares:
            raise Refused(409, f"{version!r} answers requests", expected="a version that answers none")
        return replace(self, shadow=version)

    def label(self, word: str, version: str) -> Plan:
        """WORD means VERSION; nothing where it is empty."""
        labels = {key: value for key, value in self.labels.items() if key != word}
        return replace(self, labels={**labels, word: version} if version else labels)

    def unload(self, version: str = "") -> Plan:
        """Without VERSION, which must not have all requests; without any where none is named."""
        if not version:
            return Plan()
        if version not in self.needed:
            near = suggest(version, self.needed)
            raise Refused(404, f"version {version!r} is not loaded{near}", expected=", ".join(self.needed))
        left = {one: share for one, share in self.shares.items() if one != version}
        if not left:
            raise Refused(409, f"{version!r} has all requests", to_do="let another version have them first")
        whole = sum(left.values())
        shares = {one: share / whole for one, share in left.items()} if whole else {next(iter(left)): 1.0}
        labels = {word: one for word, one in self.labels.items() if one != version}
        past = tuple(one for one in self.past if one != version)
        return replace(self, shares=shares, labels=labels, shadow=self._not(version), past=past)

    def _sharing(self, shares: Mapping[str, float], past: Sequence[str]) -> Plan:
        """With these SHARES; of the PAST each version once, where it was last."""
        kept = dict.fromkeys(one for one in reversed(past) if one not in shares)
        shadow = "" if self.shadow in shares else self.shadow
        return replace(self, shares=shares, past=tuple(reversed(kept)), proved=not kept, shadow=shadow)

    def _not(self, version: str) -> str:
        return "" if self.shadow == version else self.shadow

    def as_json(self) -> dict[str, Any]:
        return {
            "shares": dict(self.shares), "labels": dict(self.labels), "sticky": self.sticky, "shadow": self.shadow,
            "before": self.before, "proved": self.proved,
        }  # fmt: skip

    def whole(self) -> dict[str, Any]:
        """All of it as JSON; `from_whole` gives it back."""
        return {**vars(self), "shares": dict(self.shares), "labels": dict(self.labels)}

    @classmethod
    def from_whole(cls, facts: Mapping[str, Any]) -> Self:
        return cls(**{**facts, "past": tuple(facts["past"])})
