#!/usr/bin/env python3
"""Make datasets/gtzan/croissant.json, the data set's metadata in the Croissant format (version 1.0).

    scripts/gtzan_croissant.py > datasets/gtzan/croissant.json

It describes index.csv, which eitk carries, and the archive of clips, which it does not.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

GTZAN = Path(__file__).resolve().parents[1] / "datasets" / "gtzan"
COLUMNS = {
    "track": "Name of the track: <genre>.<number>.",
    "genre": "One of ten.",
    "sha256": "SHA-256 of the published WAV file (22,050 Hz, 16 bit, mono); empty where it is not known.",
    "artist": "Artist or composer after Sturm's index; empty where nobody could name one.",
    "title": "Title after Sturm's index.",
    "group": "Tracks that must stay on one side of a split: same artist, duets, known doubles.",
    "part": "Part in the fault-filtered split of Kereliuk et al.: train, valid, test; empty where it is left out.",
    "fault": "What is known to be wrong with the track.",
}
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
CITATION = (
    "G. Tzanetakis and P. Cook, Musical genre classification of audio signals, IEEE Transactions on Speech and Audio "
    "Processing 10(5), 2002; B. L. Sturm, The GTZAN dataset: its contents, its faults, their effects on evaluation, "
    "and its future use, 2013; C. Kereliuk, B. L. Sturm and J. Larsen, Deep learning and music adversaries, IEEE "
    "Transactions on Multimedia 17(11), 2015."
)
NO_LICENCE = (
    "The clips carry no licence and were collected without the consent of the rights holders; nobody can grant one. "
    "Only the index described here is distributed, under Apache-2.0."
)


def metadata() -> dict[str, Any]:
    """The whole document."""
    source = tomllib.loads((GTZAN / "sources.toml").read_text(encoding="utf-8"))["source"][0]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": "gtzan-index",
        "description": "Index of the GTZAN genre collection: 1,000 clips of 30 s in ten genres, with checksums, "
        f"artists, groups that a split must not tear, and known faults. {NO_LICENCE}",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "citeAs": CITATION,
        "license": "https://www.apache.org/licenses/LICENSE-2.0",
        "usageInfo": NO_LICENCE,
        "url": "http://marsyas.info/downloads/datasets.html",
        "version": "1.0.0",
        "datePublished": "2002-07-01",
        "isLiveDataset": False,
        "rai:dataCollection": "Personal CDs, radio and microphone recordings, 2000 and 2001.",
        "rai:dataBiases": "Rock is mastered about ten decibels louder than classical; few artists per genre.",
        "rai:dataLimitations": "Doubles, mislabelled and distorted tracks; see the column fault and DATASHEET.md.",
        "distribution": [_index_file(), _archive(source), _clips()],
        "recordSet": [_tracks()],
    }


def _index_file() -> dict[str, Any]:
    data = (GTZAN / "index.csv").read_bytes()
    return {
        "@type": "cr:FileObject",
        "@id": "index.csv",
        "name": "index.csv",
        "description": "One row a track.",
        "contentUrl": "index.csv",
        "contentSize": f"{len(data)} B",
        "encodingFormat": "text/csv",
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def _archive(source: dict[str, str]) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": "genres.tar.gz",
        "name": "genres.tar.gz",
        "description": f"The clips ({source['note']}). {NO_LICENCE}",
        "contentUrl": source["url"],
        "encodingFormat": "application/gzip",
        "md5": source["md5"],
    }


def _clips() -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": "clips",
        "name": "clips",
        "description": "The clips in the archive.",
        "containedIn": {"@id": "genres.tar.gz"},
        "encodingFormat": "audio/basic",
        "includes": "genres/*/*.au",
    }


def _tracks() -> dict[str, Any]:
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"tracks/{name}",
            "name": name,
            "description": description,
            "dataType": "sc:Text",
            "source": {"fileObject": {"@id": "index.csv"}, "extract": {"column": name}},
        }
        for name, description in COLUMNS.items()
    ]
    return {"@type": "cr:RecordSet", "@id": "tracks", "name": "tracks", "key": {"@id": "tracks/track"}, "field": fields}


if __name__ == "__main__":
    json.dump(metadata(), sys.stdout, indent=2)
    sys.stdout.write("\n")
