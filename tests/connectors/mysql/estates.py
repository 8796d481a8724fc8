"""A company's MariaDB: accounts of each sort, what runs as them, and secrets wherever one could be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connectors.mysql.connector import MysqlConnector
from connectors.mysql.spec import TABLE, MysqlSettings
from scanner.redaction.redact import SecretRef
from tests.servers.mariadb import MariaDb

VARIABLE = "MUSTER_TEST_MYSQL_PASSWORD"
VALUE = "scan-the-dolphin"

ESTATE = """
CREATE ROLE readers; CREATE ROLE chiefs;
GRANT SELECT ON *.* TO readers;
GRANT CREATE USER ON *.* TO chiefs;
CREATE USER app@'%' IDENTIFIED BY '{secret}' PASSWORD EXPIRE INTERVAL 90 DAY;
CREATE USER app@localhost IDENTIFIED VIA unix_socket;
CREATE USER locked@'%' IDENTIFIED BY '{secret}' ACCOUNT LOCK;
CREATE USER ''@localhost;
CREATE USER open@'%';
CREATE USER socket_or_word@localhost IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('{secret}');
CREATE USER report@'10.%' IDENTIFIED BY '{secret}';
CREATE USER chief@'%' IDENTIFIED BY '{secret}';
CREATE USER boss@'%' IDENTIFIED BY '{secret}';
CREATE USER writer@'%' IDENTIFIED BY '{secret}';
CREATE USER patch@'%' IDENTIFIED BY '{secret}';
CREATE USER definer@'%' IDENTIFIED BY '{secret}';
CREATE USER standby@'%' IDENTIFIED BY '{secret}';
CREATE USER files@'%' IDENTIFIED BY '{secret}';
CREATE USER front@'%' IDENTIFIED BY '{secret}';
GRANT readers TO report@'10.%'; SET DEFAULT ROLE readers FOR report@'10.%';
GRANT chiefs TO chief@'%';
GRANT ALL PRIVILEGES ON *.* TO boss@'%' WITH GRANT OPTION;
GRANT UPDATE ON `my%`.* TO writer@'%';
GRANT INSERT ON mysql.global_priv TO patch@'%';
GRANT SET USER ON *.* TO definer@'%';
GRANT REPLICATION SLAVE ON *.* TO standby@'%';
GRANT FILE, PROCESS ON *.* TO files@'%';
GRANT PROXY ON boss@'%' TO front@'%';
CREATE DATABASE shop; GRANT SELECT, INSERT ON shop.* TO app@'%';
CREATE TABLE shop.orders (id INT);
CREATE DEFINER=app@'%' PROCEDURE shop.pay() SQL SECURITY DEFINER SELECT '{secret}';
CREATE DEFINER=app@'%' PROCEDURE shop.plain() SQL SECURITY INVOKER SELECT 1;
CREATE DEFINER=app@'%' SQL SECURITY DEFINER VIEW shop.all_orders AS SELECT * FROM shop.orders;
CREATE DEFINER=app@'%' SQL SECURITY INVOKER VIEW shop.own_orders AS SELECT * FROM shop.orders;
CREATE DEFINER=boss@'%' TRIGGER shop.audited BEFORE INSERT ON shop.orders FOR EACH ROW SET NEW.id = 1;
CREATE DEFINER=boss@'%' EVENT shop.nightly ON SCHEDULE EVERY 1 DAY DO INSERT INTO shop.orders VALUES (1);
"""


@contextmanager
def running(secret: str, *options: str) -> Iterator[MariaDb]:
    """A server with the estate, and the scanner's account as its policy creates it. ``options``: of the server."""
    with MariaDb(*options) as server:
        server.run(ESTATE.format(secret=secret))
        server.run(TABLE.policy("mariadb").replace("'…'", f"'{VALUE}'"))
        yield server


def connector(server: MariaDb, **settings: Any) -> MysqlConnector:
    """Of a server, with the scanner's account."""
    given: dict[str, Any] = {"url": f"mysql://muster@127.0.0.1:{server.port}/", "password": SecretRef(env=VARIABLE)}
    return MysqlConnector("prod", MysqlSettings(**given | settings))
