"""A company's PostgreSQL: roles of each sort, what runs as them, and secrets wherever one could be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connectors.postgresql.connector import PostgresqlConnector
from connectors.postgresql.spec import PostgresqlSettings
from scanner.redaction.redact import SecretRef
from tests.servers.postgres import Postgres

VARIABLE = "MUSTER_TEST_POSTGRESQL_PASSWORD"
VALUE = "scan-the-elephant"

ESTATE = """
CREATE ROLE app LOGIN PASSWORD '{secret}' VALID UNTIL '2027-01-01 00:00:00+00';
CREATE ROLE forever LOGIN PASSWORD '{secret}' VALID UNTIL 'infinity';
CREATE ROLE root LOGIN SUPERUSER;
CREATE ROLE dba NOLOGIN SUPERUSER;
CREATE ROLE alice LOGIN IN ROLE dba;
CREATE ROLE deputy LOGIN IN ROLE root;
CREATE ROLE maker LOGIN CREATEROLE;
CREATE ROLE standby LOGIN REPLICATION;
CREATE ROLE files LOGIN IN ROLE pg_execute_server_program;
CREATE ROLE readers NOLOGIN IN ROLE pg_read_all_data;
CREATE ROLE report LOGIN NOINHERIT IN ROLE readers;
CREATE ROLE off LOGIN CONNECTION LIMIT 0;
CREATE ROLE "odd name/*?%é" LOGIN;
COMMENT ON ROLE app IS 'shop, owner ada@example.com';
ALTER ROLE app SET my.secret = '{secret}';
CREATE DATABASE shop OWNER app;
\\connect shop
CREATE FOREIGN DATA WRAPPER other;
CREATE SERVER stock FOREIGN DATA WRAPPER other OPTIONS (host '{secret}');
CREATE USER MAPPING FOR app SERVER stock OPTIONS (user 'u', password '{secret}');
CREATE USER MAPPING FOR PUBLIC SERVER stock OPTIONS (password '{secret}');
CREATE FUNCTION pay(amount int) RETURNS int LANGUAGE sql SECURITY DEFINER AS $$ SELECT amount -- {secret} $$;
ALTER FUNCTION pay(int) OWNER TO app;
CREATE FUNCTION plain() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
CREATE FUNCTION sealed() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$ SELECT 1 $$;
REVOKE EXECUTE ON FUNCTION sealed() FROM PUBLIC;
CREATE TABLE orders (id int);
ALTER TABLE orders OWNER TO app;
CREATE SUBSCRIPTION mirror CONNECTION 'host=127.0.0.1 password={secret}' PUBLICATION p WITH (connect = false);
"""


@contextmanager
def running(secret: str) -> Iterator[Postgres]:
    """A server with the estate, and the scanner's role as its policy creates it."""
    with Postgres() as server:
        server.pipe(ESTATE.format(secret=secret))
        server.pipe(PostgresqlConnector.base_policy())
        server.pipe(f"ALTER ROLE muster PASSWORD '{VALUE}';")
        yield server


def connector(server: Postgres, **settings: Any) -> PostgresqlConnector:
    """Of a server, with the scanner's role."""
    given: dict[str, Any] = {
        "url": f"postgresql://muster@127.0.0.1:{server.port}/",
        "password": SecretRef(env=VARIABLE),
    } | settings
    return PostgresqlConnector("prod", PostgresqlSettings(**given))
