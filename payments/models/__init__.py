"""What is collected and each attempt, what went back, what stands at the gateways. One module per noun."""

from payments.models.accounts import (
    AccountStatus,
    GatewayAccount,
    GatewayCustomer,
    GatewayEvent,
    GatewayEventStatus,
    GatewaySetup,
    GatewaySetupStatus,
)
from payments.models.balance import BalanceTransaction, Payout, PayoutStatus
from payments.models.collecting import (
    IN_FLIGHT_CHARGE_STATUSES,
    OPEN_INTENT_STATUSES,
    Charge,
    ChargeStatus,
    InvoicePayment,
    PaymentIntent,
    PaymentIntentStatus,
)
from payments.models.disputes import OPEN_DISPUTE_STATUSES, Dispute, DisputeStatus, EvidenceFile
from payments.models.refunds import Refund, RefundStatus
from payments.models.sandbox import SandboxObject, SandboxReply
from payments.models.setting_up import SetupIntent, SetupIntentStatus

__all__ = [
    "IN_FLIGHT_CHARGE_STATUSES",
    "OPEN_DISPUTE_STATUSES",
    "OPEN_INTENT_STATUSES",
    "AccountStatus",
    "BalanceTransaction",
    "Charge",
    "ChargeStatus",
    "Dispute",
    "DisputeStatus",
    "EvidenceFile",
    "GatewayAccount",
    "GatewayCustomer",
    "GatewayEvent",
    "GatewayEventStatus",
    "GatewaySetup",
    "GatewaySetupStatus",
    "InvoicePayment",
    "PaymentIntent",
    "PaymentIntentStatus",
    "Payout",
    "PayoutStatus",
    "Refund",
    "RefundStatus",
    "SandboxObject",
    "SandboxReply",
    "SetupIntent",
    "SetupIntentStatus",
]
