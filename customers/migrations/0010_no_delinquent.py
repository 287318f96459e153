from django.db import migrations


class Migration(migrations.Migration):
    """Whether a customer owes is read from the invoices (`invoicing.selectors.late_invoices`)."""

    dependencies = [("customers", "0009_payment_method_expiry")]

    operations = [migrations.RemoveField("customer", "delinquent")]
