"""Other engines over the archive, in an environment of their own: `python readers.py clickhouse <view> <query>`.

Prints JSON: the rows, and the seconds from giving the dataset its name to the last row, in an engine that has started.
"""

import json
import sys
import time

Told = tuple[float, list[list[object]]]


def clickhouse(view: str, query: str) -> Told:
    """ClickHouse, within this process."""
    from chdb import session

    engine = session.Session()
    # rclone's server quotes an object's tag in one answer and not in another.
    engine.query("SET s3_validate_etag_on_read = 0")
    started = time.perf_counter()
    engine.query(view)
    found = json.loads(str(engine.query(query, "JSONCompact")))
    return time.perf_counter() - started, [[row[0], int(row[1])] for row in found["data"]]


def spark(view: str, query: str) -> Told:
    """Spark, in a Java machine of this process' own."""
    from pyspark.sql import SparkSession

    engine = SparkSession.builder.master("local[*]").config("spark.ui.enabled", "false").getOrCreate()
    started = time.perf_counter()
    exec(view, {"spark": engine})  # as the document has it, word for word
    found = engine.sql(query).collect()
    seconds = time.perf_counter() - started
    engine.stop()
    return seconds, [[row[0], int(row[1])] for row in found]


def main() -> None:
    """One engine, one question."""
    seconds, rows = {"clickhouse": clickhouse, "spark": spark}[sys.argv[1]](*sys.argv[2:])
    print(json.dumps({"seconds": seconds, "rows": rows}))


if __name__ == "__main__":
    main()
