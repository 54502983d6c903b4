"""Makes the tables, workbooks and pictures of the sample again: python make_sample.py

Measured data comes from the scikit-learn wheel; everything about customers and money is invented with a fixed seed.
Needs scikit-learn, openpyxl and pillow. The model is made by the scripts beside it, in Quality/Wine/model.
"""

import csv
import datetime
import gzip
import json
import random
import struct
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Font
from PIL import Image, ImageDraw
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

HERE = Path(__file__).resolve().parent / "OneDrive - Kronkers"
CULTIVARS = ("Barolo", "Grignolino", "Barbera")
REGIONS = ("Nord", "Süd", "West", "Ost")
HEADINGS = ("customer_id", "region", "since", "orders_per_year", "complaints", "revenue_eur", "churned")


def write_csv(path, headings, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(headings)
        writer.writerows(rows)


def wine():
    bunch = load_wine()
    names = [name.replace("od280/od315_of_diluted_wines", "od280_od315") for name in bunch.feature_names]
    rows = [[*values.tolist(), CULTIVARS[kind]] for values, kind in zip(bunch.data, bunch.target, strict=True)]
    # A laboratory loses a reading now and then: three cells are left empty on purpose (see README.md).
    for row, column in ((17, 5), (80, 10), (151, 8)):
        rows[row][column] = ""
    write_csv(HERE / "Quality/Wine/data/wine_measurements.csv", [*names, "cultivar"], rows)
    examples = [rows[number][:-1] for number in (3, 40, 75, 110, 140, 170)]
    write_csv(HERE / "Quality/Wine/model/rows.csv", names, examples)
    request = {"rows": [dict(zip(names, row, strict=True)) for row in examples]}
    text = json.dumps(request, indent=2) + "\n"
    (HERE / "Quality/Wine/model/rows.json").write_text(text, encoding="utf-8", newline="\n")
    picture(HERE / "Quality/Wine/plots/Alkohol und Prolin.png", bunch.data[:, 0], bunch.data[:, 12], bunch.target)


def picture(path, across, up, kinds):
    """A scatter plot of two measurements, one colour per cultivar."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (480, 360), "#FFFFFF")
    draw = ImageDraw.Draw(image)
    draw.line([(40, 20), (40, 330), (460, 330)], fill="#98A2B3")
    for x, y, kind in zip(across, up, kinds, strict=True):
        left = 50 + 400 * (x - across.min()) / (across.max() - across.min())
        top = 320 - 290 * (y - up.min()) / (up.max() - up.min())
        draw.ellipse([left - 3, top - 3, left + 3, top + 3], fill=("#2F6FED", "#A15C07", "#12805C")[kind])
    draw.text((380, 336), "Alkohol", fill="#1B2330")
    draw.text((46, 6), "Prolin", fill="#1B2330")
    image.save(path)


def research():
    cancer = load_breast_cancer()
    names = [name.replace(" ", "_") for name in cancer.feature_names]
    rows = [
        [*values.tolist(), str(cancer.target_names[kind])]
        for values, kind in zip(cancer.data, cancer.target, strict=True)
    ]
    write_csv(HERE / "R&D (shared)/Zellbefunde/breast_cancer_wisconsin.csv", [*names, "diagnosis"], rows)
    diabetes = load_diabetes(scaled=False)
    rows = [[*values.tolist(), target] for values, target in zip(diabetes.data, diabetes.target, strict=True)]
    write_csv(HERE / "R&D (shared)/Diabetes study/diabetes.csv", [*diabetes.feature_names, "progression"], rows)


def customers():
    """An invented customer list, and the copy that OneDrive made when two people edited it: 5 rows differ."""
    chance = random.Random(20260114)
    rows = []
    for number in range(1, 241):
        orders, complaints = chance.randrange(1, 40), chance.choice((0, 0, 0, 1, 1, 2, 4))
        leaves = chance.random() < 0.1 + 0.12 * complaints - 0.004 * orders
        since = datetime.date(2015, 1, 1) + datetime.timedelta(days=chance.randrange(3600))
        revenue = round(orders * chance.uniform(80, 420), 2)
        rows.append([f"K{number:05d}", chance.choice(REGIONS), since, orders, complaints, revenue, int(leaves)])
    write_csv(HERE / "Marketing/Churn/customers.csv", HEADINGS, rows)
    left = {region: [row[6] for row in rows if row[1] == region] for region in sorted(REGIONS)}
    saved_by_r(HERE / "Marketing/Churn/churn_by_region.rds", {name: sum(ones) / len(ones) for name, ones in left.items()})
    copy = [list(row) for row in rows]
    for row in (12, 57, 101, 198):
        copy[row][4] += 1
    copy[57][6] = 1
    copy.append(["K00241", "Süd", datetime.date(2026, 1, 9), 2, 0, 310.0, 0])
    write_csv(HERE / "Marketing/Churn/customers-LAPTOP7.csv", HEADINGS, copy)


def saved_by_r(path, shares):
    """The data frame (region, churned) as R's saveRDS writes it: format 3, big-endian XDR, in gzip.

    Described in "R Internals", section 1.8. Each value is its type and flags, a length, and the elements.
    """

    def number(value):
        return struct.pack(">i", value)

    def text(value):
        coded = value.encode()
        return number(0x00040009 if value.isascii() else 0x00008009) + number(len(coded)) + coded

    def texts(*values):
        return number(16) + number(len(values)) + b"".join(map(text, values))

    def attribute(name, value):
        return number(0x402) + number(1) + text(name) + value

    reals = number(14) + number(len(shares)) + struct.pack(f">{len(shares)}d", *shares.values())
    frame = number(0x313) + number(2) + texts(*shares) + reals
    frame += attribute("names", texts("region", "churned")) + attribute("class", texts("data.frame"))
    frame += attribute("row.names", number(13) + number(2) + number(-(2**31)) + number(-len(shares))) + number(0xFE)
    head = b"X\n" + number(3) + number(0x00040301) + number(0x00030500) + number(5) + b"UTF-8"
    path.write_bytes(gzip.compress(head + frame, mtime=0))


def workbook(path, title, growth):
    """A forecast with formulas, as a person would build it; the figures are invented."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = Workbook()
    book.properties.created = book.properties.modified = datetime.datetime(2026, 1, 14, 9, 30)
    book.properties.creator = "Kronkers Finance"
    sheet = book.active
    sheet.title = title
    sheet.append(["Month", "Region", "Actual 2025 (EUR)", "Forecast 2026 (EUR)"])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    chance = random.Random(7)
    for month in range(1, 13):
        for region in REGIONS:
            row = sheet.max_row + 1
            actual = round(chance.uniform(40_000, 90_000), -2)
            sheet.append([datetime.date(2026, month, 1), region, actual, f"=C{row}*(1+Assumptions!$B$1)"])
    sheet.column_dimensions["C"].width = sheet.column_dimensions["D"].width = 22
    assumptions = book.create_sheet("Assumptions")
    assumptions.append(["Growth", growth])
    assumptions.append(["Agreed in", "Budgetrunde Januar"])
    book.save(path)


def leftovers():
    """What Office and Windows leave behind in real folders."""
    # Word and Excel lock a document they have open with 165 bytes: the user's name in bytes, then in UTF-16.
    user = "Jörg Müller"
    plain = user.encode("cp1252")
    lock = bytes([len(plain)]) + plain.ljust(54, b" ") + bytes([len(user), 0]) + user.encode("utf-16-le")
    lock += " ".encode("utf-16-le") * ((165 - len(lock)) // 2)
    (HERE / "Finance/Forecasts/2026/~$Forecast 2026.xlsx").write_bytes(lock.ljust(165, b"\0"))
    (HERE / "desktop.ini").write_bytes(
        "[.ShellClassInfo]\r\nIconResource=C:\\Program Files\\Microsoft OneDrive\\OneDrive.exe,10\r\n".encode("utf-16")
    )


def notebook():
    cells = [
        ("markdown", "# Wine: a first look\nWhich measurements tell the three cultivars apart?"),
        ("code", "import csv\nfrom collections import defaultdict\nfrom pathlib import Path\nfrom statistics import mean"),
        (
            "code",
            'with Path("data/wine_measurements.csv").open(encoding="utf-8") as file:\n'
            "    rows = list(csv.DictReader(file))\nlen(rows)",
        ),
        ("markdown", "## Mean per cultivar"),
        (
            "code",
            "groups = defaultdict(list)\nfor row in rows:\n    groups[row['cultivar']].append(float(row['proline']))\n"
            "{name: round(mean(values)) for name, values in groups.items()}",
        ),
        ("markdown", "Proline separates Barolo well; colour intensity helps with the other two."),
    ]
    results = {2: "178", 4: "{'Barolo': 1116, 'Grignolino': 520, 'Barbera': 630}"}
    document = {"cells": [], "metadata": {"kernelspec": {"display_name": "Python 3", "name": "python3"}}}
    for number, (kind, text) in enumerate(cells):
        cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": text.splitlines(keepends=True)}
        if kind == "code":
            cell["execution_count"] = number
            data = {"text/plain": [results[number]]} if number in results else None
            cell["outputs"] = (
                [{"output_type": "execute_result", "execution_count": number, "metadata": {}, "data": data}]
                if data
                else []
            )
        document["cells"].append(cell)
    document |= {"nbformat": 4, "nbformat_minor": 5}
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    (HERE / "Quality/Wine/Explore wine.ipynb").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    wine()
    research()
    customers()
    workbook(HERE / "Finance/Forecasts/2026/Forecast 2026.xlsx", "Forecast", 0.04)
    workbook(HERE / "Finance/Forecasts/2026/report.xlsx", "Report", 0.04)
    workbook(HERE / "Finance/Forecasts/2026/report (1).xlsx", "Report", 0.035)
    leftovers()
    notebook()
