"""The ledger is append-only by the database's own hand, whoever holds the connection."""

from typing import ClassVar

from django.db import migrations

FORWARD = """
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % of % is refused; write a new line instead', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_keeps_lines BEFORE UPDATE OR DELETE ON syncapp_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_keeps_whole BEFORE TRUNCATE ON syncapp_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
"""

BACKWARD = """
DROP TRIGGER ledger_keeps_whole ON syncapp_ledger;
DROP TRIGGER ledger_keeps_lines ON syncapp_ledger;
DROP FUNCTION ledger_refuse();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("syncapp", "0001_initial")]
    operations: ClassVar = [migrations.RunSQL(FORWARD, BACKWARD)]
