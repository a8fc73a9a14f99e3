"""Tables of a database, through a SQLAlchemy address: read only, in portions, and without a word of user and password."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.blocks import Stack
from mentorship_eval.cohort.reading.headers import header_names
from mentorship_eval.cohort.reading.pieces import Piece, missing_file
from mentorship_eval.cohort.reading.raw import Source, Unreadable
from mentorship_eval.cohort.reading.readers_binary import as_text
from mentorship_eval.cohort.reading.sql import ordered, single_select
from mentorship_eval.cohort.study.document import did_you_mean

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

__all__ = ["read_database"]

# the driver that is taken where the address names none, and what pip calls each driver
_DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql", "mssql": "pyodbc", "oracle": "oracledb"}
_PACKAGES = {"psycopg": "psycopg[binary]", "psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient", "duckdb_engine": "duckdb-engine"}
_READ_ONLY = {"mysql": "SET TRANSACTION READ ONLY", "mariadb": "SET TRANSACTION READ ONLY", "oracle": "SET TRANSACTION READ ONLY"}


def read_database(source: Source, folder: Path) -> None:
    """Fill ``source.raw`` and ``source.places`` from the ``query`` or ``table`` of study.yaml.

    Rows are numbered as an export with a header would number them. The hash is that of the fetched texts, row by row. The
    transaction is read only where the database knows that, and rolled back in any case.

    Raises
    ------
    Unreadable : no driver, no connection, no such table, a query that fails or that is not a single SELECT.
    """
    import sqlalchemy as sa

    declared = source.declared
    piece = Piece(source, source.file)
    url = _address(declared.files[0], folder)
    query = single_select(declared.query, url.get_backend_name()) if declared.query else ""
    try:
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool, connect_args=_patience(url))
        with engine.connect() as connection:
            frame = _fetch(piece, _read_only(connection), query)
    except sa.exc.NoSuchModuleError:
        name = url.get_backend_name()
        raise Unreadable(f"SQLAlchemy does not know databases of kind {name!r}", fix="Install the package that adds them, or correct file.") from None
    except ModuleNotFoundError as error:
        package = _PACKAGES.get(error.name or "", error.name or "")
        raise Unreadable(f"the driver for {url.get_backend_name()} is not installed", fix=f'Install it: pip install "{package}".') from None
    except sa.exc.DBAPIError as error:
        said = _said(error, url)
        if error.connection_invalidated or not error.statement:
            fix = "See that the server runs and that host, database, user and password are right."
            raise Unreadable(f"cannot connect: {said}", fix=fix) from None
        fix = "Correct the query in study.yaml." if query else "See whether the user may read the table."
        raise Unreadable(f"the query fails: {said}", fix=fix) from None
    except sa.exc.SQLAlchemyError as error:
        raise Unreadable(f"the database cannot be read: {_said(error, url)}") from None
    frame.index = frame.index + source.places.add(source.file, piece.sha256, tuple(frame.columns), len(frame) + 1)
    source.raw = frame


def _address(written: str, folder: Path) -> URL:
    import sqlalchemy as sa

    try:
        url = sa.engine.make_url(written)
    except (sa.exc.ArgumentError, ValueError):
        fix = "Write postgresql://user:${VARIABLE}@host/database; signs such as @ and / in a password are written %40 and %2F."
        raise Unreadable("not the address of a database", fix=fix) from None
    if "@" in (url.host or ""):
        # part of a password, which the server's name in a message would tell
        raise Unreadable("the address has more than one @", fix="In a password @ is written %40.")
    backend = url.get_backend_name()
    if backend == "sqlite":
        path = folder / (url.database or "")
        if not path.is_file():
            raise missing_file(path)
        return url.set(database=path.resolve().as_uri(), query={"mode": "ro", "uri": "true"})
    if "+" not in url.drivername and backend in _DRIVERS:
        return url.set(drivername=f"{backend}+{_DRIVERS[backend]}")
    return url


def _patience(url: URL) -> dict[str, Any]:
    """Seconds to wait for a server that does not answer; the default of some drivers is for ever."""
    return {"connect_timeout": 10} if url.get_driver_name() in ("psycopg", "psycopg2", "pymysql") and "connect_timeout" not in url.query else {}


def _read_only(connection: Connection) -> Connection:
    import sqlalchemy as sa

    backend = connection.dialect.name
    if backend == "postgresql":
        connection = connection.execution_options(postgresql_readonly=True)
    elif backend in _READ_ONLY:
        connection.execute(sa.text(_READ_ONLY[backend]))
    return connection.execution_options(stream_results=True)


def _fetch(piece: Piece, connection: Connection, query: str) -> pd.DataFrame:
    import sqlalchemy as sa

    if query:
        if not ordered(query, connection.dialect.name):
            fix = "Add ORDER BY to the query, so that the same data give the same report."
            piece.find("W123", "the query has no ORDER BY: the database may give the rows in another order next time", fix=fix)
        statement: Any = sa.text(query.replace(":", r"\:"))  # a colon is part of the query, never a parameter
    else:
        statement = _whole_table(piece, connection)
    result = connection.execute(statement)
    header = [str(name) for name in result.keys()]  # noqa: SIM118  (not a dictionary)
    stack = Stack(header_names(piece, [header], fill=False), piece.pools)
    digest = hashlib.sha256("\x1f".join(header).encode("utf-8", "surrogatepass"))
    for rows in result.partitions(stack.block):
        block = [[as_text(value) for value in row] for row in rows]
        digest.update("".join("\x1e" + "\x1f".join(row) for row in block).encode("utf-8", "surrogatepass"))
        stack.add([_column(texts) for texts in zip(*block, strict=True)])
    piece.sha256 = digest.hexdigest()
    return stack.frame(2)


def _column(texts: tuple[str, ...]) -> np.ndarray:
    column = np.empty(len(texts), dtype=object)
    column[:] = texts
    return column


def _whole_table(piece: Piece, connection: Connection) -> Any:
    """SELECT * of a table or view, by its primary key where it has one, else by all columns: the same rows in the same order."""
    import sqlalchemy as sa

    schema, _, name = str(piece.declared.table).rpartition(".")
    inspector = sa.inspect(connection)
    if not inspector.has_table(name, schema=schema or None):
        known = [*inspector.get_table_names(schema=schema or None), *inspector.get_view_names(schema=schema or None)]
        raise Unreadable(f"there is no table {piece.declared.table!r}", fix=did_you_mean(name, sorted(known)) or "Correct table in study.yaml.")
    columns = [str(column["name"]) for column in inspector.get_columns(name, schema=schema or None)]
    key = inspector.get_pk_constraint(name, schema=schema or None).get("constrained_columns") or columns
    table = sa.table(name, *(sa.column(column) for column in columns), schema=schema or None)
    return sa.select(table).order_by(*(table.c[column] for column in key))


def _said(error: Exception, url: URL) -> str:
    """The first line of what the database said, without user, password, options of the address and paths."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    options = [part for values in url.normalized_query.values() for value in values for part in (value, *re.split("[;=]", value))]
    given = [str(url.password or ""), url.username or "", *(part.strip("{} ") for part in options if len(part) > 4)]
    for secret in sorted(filter(None, given), key=len, reverse=True):
        for form in (secret, quote(secret, safe=""), quote_plus(secret)):
            text = text.replace(form, "***")
    return re.sub(r"(?:/[^\s\"'/:]+)+/", "", text)[:200]
