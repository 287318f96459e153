"""Credit notes and their invoice say the same, and a credit note never changes but for being voided.

The sums are looked at when the transaction ends: the note and the invoice are written one after the other.
"""

from django.db import migrations

GUARD = """
CREATE FUNCTION ostinato_credit_notes_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wrong boolean;
BEGIN
    SELECT i.pre_payment_credit_notes_amount <> s.pre OR i.post_payment_credit_notes_amount <> s.post INTO wrong
    FROM invoicing_invoice i, (
        SELECT coalesce(sum(pre_payment_amount), 0) AS pre, coalesce(sum(post_payment_amount), 0) AS post
        FROM invoicing_creditnote WHERE invoice_id = NEW.invoice_id AND status = 'issued'
    ) s WHERE i.id = NEW.invoice_id;
    IF wrong THEN
        RAISE EXCEPTION 'the credit notes of invoice % do not make what it says of them', NEW.invoice_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER credit_notes_add_up AFTER INSERT OR UPDATE ON invoicing_creditnote
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ostinato_credit_notes_add_up();

CREATE FUNCTION ostinato_freeze_credit_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ostinato_erasure_allowed() THEN
        RETURN coalesce(NEW, OLD);
    END IF;
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'credit note % may not be deleted', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.status = 'void' AND NEW.status <> 'void' OR
       (NEW.invoice_id, NEW.number, NEW.currency, NEW.subtotal, NEW.taken, NEW.inclusive_tax, NEW.exclusive_tax,
        NEW.total, NEW.pre_payment_amount, NEW.post_payment_amount, NEW.refund_amount, NEW.credit_amount,
        NEW.out_of_band_amount, NEW.created)
       IS DISTINCT FROM
       (OLD.invoice_id, OLD.number, OLD.currency, OLD.subtotal, OLD.taken, OLD.inclusive_tax, OLD.exclusive_tax,
        OLD.total, OLD.pre_payment_amount, OLD.post_payment_amount, OLD.refund_amount, OLD.credit_amount,
        OLD.out_of_band_amount, OLD.created)
    THEN
        RAISE EXCEPTION 'credit note % is issued: its amounts are frozen', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER credit_note_frozen BEFORE UPDATE OR DELETE ON invoicing_creditnote
    FOR EACH ROW EXECUTE FUNCTION ostinato_freeze_credit_note();
"""

LET_GO = """
DROP TRIGGER credit_note_frozen ON invoicing_creditnote;
DROP TRIGGER credit_notes_add_up ON invoicing_creditnote;
DROP FUNCTION ostinato_freeze_credit_note();
DROP FUNCTION ostinato_credit_notes_add_up();
"""


class Migration(migrations.Migration):
    dependencies = [("invoicing", "0005_credit_notes")]
    operations = [migrations.RunSQL(GUARD, LET_GO)]
