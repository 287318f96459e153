from django.db import migrations


class Migration(migrations.Migration):
    """Whether a customer owes is read from the invoices (`invoicing.selectors.late_invoices`)."""

    dependencies = [("customers", "0008_tax_id_verification")]

    operations = [migrations.RemoveField("customer", "delinquent")]
