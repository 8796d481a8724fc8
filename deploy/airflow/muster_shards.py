"""A scan by sixteen tasks, whose files meet in a folder that all workers share."""

from datetime import UTC, datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

SHARDS = 16
NIGHT = "{{ ts_nodash }}"
FILES = f"/shared/{NIGHT}"
SCAN = f"muster scan --shard $SHARD/{SHARDS} --scan-id {NIGHT} -o ndjson:{FILES}-$SHARD.ndjson"

with DAG("identities", schedule="17 3 * * *", start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False):
    scan = BashOperator.partial(
        task_id="scan",
        bash_command=SCAN,
        append_env=True,
        retries=2,
    ).expand(env=[{"SHARD": str(number)} for number in range(1, SHARDS + 1)])
    scan >> BashOperator(task_id="join", bash_command=f"muster import {FILES}-*.ndjson --fail-on-new")
