"""How much of the disease's progression does the body mass index explain? A straight line by least squares."""

import csv
from pathlib import Path

with (Path(__file__).parent / "diabetes.csv").open(encoding="utf-8") as file:
    rows = [(float(row["bmi"]), float(row["progression"])) for row in csv.DictReader(file)]

mean_bmi = sum(bmi for bmi, _ in rows) / len(rows)
mean_progression = sum(progression for _, progression in rows) / len(rows)
covariance = sum((bmi - mean_bmi) * (progression - mean_progression) for bmi, progression in rows)
slope = covariance / sum((bmi - mean_bmi) ** 2 for bmi, _ in rows)
explained = slope * covariance / sum((progression - mean_progression) ** 2 for _, progression in rows)
print(f"{slope:.2f} points per unit of BMI; explains {explained:.0%} of the variance")
