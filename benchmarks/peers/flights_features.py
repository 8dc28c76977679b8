"""The features of examples/flights written by hand with pandas: what a data scientist would type instead."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

CATEGORIES = ["carrier", "origin", "dest", "manufacturer", "model", "engine"]
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
PLANE = ["year", "manufacturer", "model", "engines", "seats", "engine"]


def features(data: Path) -> pd.DataFrame:
    """One row a flight with an answer, sorted by its scheduled departure; column `late` is the answer."""
    flights = pd.read_csv(data / "flights.csv.zip")
    weather = pd.read_csv(data / "weather.csv", parse_dates=["time_hour"])
    planes = pd.read_csv(data / "planes.csv", usecols=["tailnum", *PLANE]).rename(columns={"year": "plane_year"})
    flights["departs"] = pd.to_datetime(flights.time_hour) + pd.to_timedelta(flights.minute, unit="m")
    flights = flights.sort_values("departs", kind="stable")
    asked = flights[flights.arr_delay.notna()].copy()
    asked["weekday"] = pd.to_datetime(asked[["year", "month", "day"]]).dt.dayofweek
    asked["departure_minute"] = asked.sched_dep_time // 100 * 60 + asked.sched_dep_time % 100
    asked["arrival_minute"] = asked.sched_arr_time // 100 * 60 + asked.sched_arr_time % 100
    asked = _recent(asked, flights)
    asked["hour_before"] = asked.departs - pd.Timedelta(hours=1)
    asked = pd.merge_asof(asked, weather[["origin", "time_hour", *WEATHER]].sort_values("time_hour"), by="origin",
                          left_on="hour_before", right_on="time_hour", suffixes=("", "_w"))  # fmt: skip
    asked = asked.merge(planes, on="tailnum", how="left")
    asked["late"] = asked.arr_delay > 15
    kept = ["departs", "carrier", "origin", "dest", "distance", "weekday", "departure_minute", "arrival_minute",
            "recent_delay", "recent_departures", *WEATHER, "plane_year", *PLANE[1:], "late"]  # fmt: skip
    return asked[kept]


def _recent(asked: pd.DataFrame, flights: pd.DataFrame) -> pd.DataFrame:
    """Mean delay and number of departures of the airport between three hours and one hour before."""
    gone = flights[flights.dep_delay.notna()].copy()
    gone["happened"] = gone.departs + pd.to_timedelta(gone.dep_delay, unit="m")
    gone = gone.sort_values("happened", kind="stable")
    gone["minutes"] = gone.groupby("origin").dep_delay.cumsum()
    gone["planes"] = gone.groupby("origin").cumcount() + 1
    running = gone.groupby(["origin", "happened"], as_index=False)[["minutes", "planes"]].last().sort_values("happened")
    for name, hours in (("now", 1), ("before", 3)):
        asked["at"] = asked.departs - pd.Timedelta(hours=hours)
        found = running.rename(columns={"minutes": f"minutes_{name}", "planes": f"planes_{name}", "happened": "seen"})
        asked = pd.merge_asof(asked, found, by="origin", left_on="at", right_on="seen").drop(columns="seen")
    asked["recent_departures"] = asked.planes_now - asked.planes_before.fillna(0)
    between = asked.recent_departures.replace(0, np.nan)
    asked["recent_delay"] = (asked.minutes_now - asked.minutes_before.fillna(0)) / between
    return asked


def split(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row numbers of train, valid and test: by time, 65 : 15 : 20, a moment never split."""
    departs = rows.departs.to_numpy()
    bounds = [departs[int(share * len(rows))] for share in (0.65, 0.8)]
    place = (departs >= bounds[0]).astype(int) + (departs >= bounds[1])
    return tuple(np.flatnonzero(place == i) for i in range(3))  # type: ignore[return-value]
