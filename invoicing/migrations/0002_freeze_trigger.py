"""After finalization the paper is frozen: the database refuses what no service would ask for.

Frozen: amounts, currency, number, period, legal snapshots, lines, line taxes. Free: status, what is paid, credit
note totals, metadata and the schedule. Rows leave only as one-off drafts, or when the transaction says so with
`SET LOCAL ostinato.allow_erasure = 'on'`, which `invoicing.writes.allow_erasure` alone does.
"""

from django.db import migrations

FREEZE = """
CREATE FUNCTION ostinato_erasure_allowed() RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT coalesce(current_setting('ostinato.allow_erasure', true), '') = 'on' $$;

CREATE FUNCTION ostinato_freeze_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ostinato_erasure_allowed() THEN
        RETURN coalesce(NEW, OLD);
    END IF;
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'invoice % may not be deleted', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.merchant_id, NEW.customer_id, NEW.billing_entity_id, NEW.subscription_id, NEW.currency,
        NEW.number_series_id, NEW.number_value, NEW.number,
        NEW.lines_gross, NEW.total_discount, NEW.credit_grants_applied, NEW.inclusive_tax_backed_out,
        NEW.inclusive_tax, NEW.exclusive_tax, NEW.total, NEW.starting_balance, NEW.balance_applied, NEW.amount_due,
        NEW.period_start, NEW.period_end, NEW.finalized_at, NEW.seller_snapshot, NEW.customer_snapshot,
        NEW.tax_rounding, NEW.hosted_token, NEW.created)
       IS DISTINCT FROM
       (OLD.merchant_id, OLD.customer_id, OLD.billing_entity_id, OLD.subscription_id, OLD.currency,
        OLD.number_series_id, OLD.number_value, OLD.number,
        OLD.lines_gross, OLD.total_discount, OLD.credit_grants_applied, OLD.inclusive_tax_backed_out,
        OLD.inclusive_tax, OLD.exclusive_tax, OLD.total, OLD.starting_balance, OLD.balance_applied, OLD.amount_due,
        OLD.period_start, OLD.period_end, OLD.finalized_at, OLD.seller_snapshot, OLD.customer_snapshot,
        OLD.tax_rounding, OLD.hosted_token, OLD.created)
    THEN
        RAISE EXCEPTION 'invoice % is finalized: its amounts, number and legal snapshot are frozen', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status = 'draft' THEN
        RAISE EXCEPTION 'invoice % is finalized and cannot be a draft again', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- Drafts never reach the function on UPDATE: the run's own path pays nothing for the freeze.
CREATE TRIGGER invoice_frozen_update BEFORE UPDATE ON invoicing_invoice
    FOR EACH ROW WHEN (OLD.status <> 'draft') EXECUTE FUNCTION ostinato_freeze_invoice();
CREATE TRIGGER invoice_frozen_delete BEFORE DELETE ON invoicing_invoice
    FOR EACH ROW WHEN (OLD.status <> 'draft' OR OLD.subscription_id IS NOT NULL)
    EXECUTE FUNCTION ostinato_freeze_invoice();

CREATE FUNCTION ostinato_freeze_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ostinato_erasure_allowed() THEN
        RETURN coalesce(NEW, OLD);
    END IF;
    IF EXISTS (SELECT 1 FROM invoicing_invoice WHERE id = OLD.invoice_id AND status <> 'draft') THEN
        RAISE EXCEPTION 'invoice % is finalized: its lines are frozen', OLD.invoice_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;

CREATE TRIGGER line_frozen BEFORE UPDATE OR DELETE ON invoicing_invoiceline
    FOR EACH ROW EXECUTE FUNCTION ostinato_freeze_line();
CREATE TRIGGER line_tax_frozen BEFORE UPDATE OR DELETE ON invoicing_invoicelinetax
    FOR EACH ROW EXECUTE FUNCTION ostinato_freeze_line();

-- A line may only join a draft, or come before its invoice in the same transaction. Once per statement: the run
-- copies thousands of lines at a time.
CREATE FUNCTION ostinato_no_late_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE frozen text;
BEGIN
    SELECT i.id INTO frozen FROM (SELECT DISTINCT invoice_id FROM added) a
        JOIN invoicing_invoice i ON i.id = a.invoice_id AND i.status <> 'draft' LIMIT 1;
    IF frozen IS NOT NULL AND NOT ostinato_erasure_allowed() THEN
        RAISE EXCEPTION 'invoice % is finalized: no line may be added', frozen USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER no_late_line AFTER INSERT ON invoicing_invoiceline
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ostinato_no_late_line();
CREATE TRIGGER no_late_line_tax AFTER INSERT ON invoicing_invoicelinetax
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ostinato_no_late_line();

CREATE FUNCTION ostinato_series_only_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.next_number < OLD.next_number THEN
        RAISE EXCEPTION 'number series % only goes up', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER series_only_up BEFORE UPDATE ON invoicing_numberseries
    FOR EACH ROW EXECUTE FUNCTION ostinato_series_only_up();
"""

THAW = """
DROP TRIGGER series_only_up ON invoicing_numberseries;
DROP TRIGGER no_late_line_tax ON invoicing_invoicelinetax;
DROP TRIGGER no_late_line ON invoicing_invoiceline;
DROP TRIGGER line_tax_frozen ON invoicing_invoicelinetax;
DROP TRIGGER line_frozen ON invoicing_invoiceline;
DROP TRIGGER invoice_frozen_delete ON invoicing_invoice;
DROP TRIGGER invoice_frozen_update ON invoicing_invoice;
DROP FUNCTION ostinato_series_only_up();
DROP FUNCTION ostinato_no_late_line();
DROP FUNCTION ostinato_freeze_line();
DROP FUNCTION ostinato_freeze_invoice();
DROP FUNCTION ostinato_erasure_allowed();
"""


class Migration(migrations.Migration):
    dependencies = [("invoicing", "0001_initial")]
    operations = [migrations.RunSQL(FREEZE, THAW)]
