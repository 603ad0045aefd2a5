"""What is set up in the console, as Twilio writes it in JSON. Pure.

Source: Twilio's OpenAPI descriptions of api/2010-04-01 (Account, Balance, IncomingPhoneNumber), messaging/v1 (Service,
PhoneNumber, Usa2p, BrandRegistration, TollfreeVerification); voice/v1 and accounts/v1 as its SDK reads them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from outreach.rehearsal.account import API_VERSION
from outreach.rehearsal.console import Console, Number, sid_of
from outreach.rehearsal.resources import rfc2822

Json = dict[str, Any]
MESSAGING = "https://messaging.twilio.com/v1"
VOICE = "https://voice.twilio.com/v1"


def account_json(console: Console) -> Json:
    """The Account. The real one shows its token here; this one does not."""
    sid = console.account.sid
    return {
        "auth_token": None,
        "date_created": rfc2822(console.begun),
        "date_updated": rfc2822(console.begun),
        "friendly_name": "Rehearsal",
        "owner_account_sid": sid,
        "sid": sid,
        "status": console.status,
        "subresource_uris": {"messages": f"/{API_VERSION}/Accounts/{sid}/Messages.json"},
        "type": console.kind,
        "uri": f"/{API_VERSION}/Accounts/{sid}.json",
    }


def balance_json(console: Console) -> Json:
    """What is left on the account."""
    return {"account_sid": console.account.sid, "balance": console.balance, "currency": "USD"}


def number_json(number: Number, console: Console) -> Json:
    """An IncomingPhoneNumber."""
    sid = console.account.sid
    return {
        **number.settings,
        "account_sid": sid,
        "address_requirements": "none",
        "address_sid": None,
        "api_version": API_VERSION,
        "beta": False,
        "bundle_sid": None,
        "capabilities": number.capabilities,
        "date_created": rfc2822(console.begun),
        "date_updated": rfc2822(console.begun),
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "emergency_status": "Inactive",
        "identity_sid": None,
        "origin": "twilio",
        "phone_number": number.number,
        "sid": number.sid,
        "sms_application_sid": number.settings["sms_application_sid"] or None,
        "status": "in-use",
        "trunk_sid": number.settings["trunk_sid"] or None,
        "type": "toll-free" if number.toll_free else "local",
        "uri": f"/{API_VERSION}/Accounts/{sid}/IncomingPhoneNumbers/{number.sid}.json",
        "voice_application_sid": number.settings["voice_application_sid"] or None,
        "voice_receive_mode": "voice",
    }


def service_json(console: Console) -> Json:
    """The Messaging Service."""
    sid, url = console.account.service_sid, f"{MESSAGING}/Services/{console.account.service_sid}"
    settings = {name: None if value == "" else value for name, value in console.service.items()}
    return {
        **settings,
        "account_sid": console.account.sid,
        "date_created": iso(console.begun),
        "date_updated": iso(console.begun),
        "links": {"phone_numbers": f"{url}/PhoneNumbers", "short_codes": f"{url}/ShortCodes"},
        "sid": sid,
        "url": url,
        "us_app_to_person_registered": console.campaign == "VERIFIED",
    }


def pooled_json(number: Number, console: Console) -> Json:
    """A PhoneNumber of the service's pool."""
    service = console.account.service_sid
    return {
        "account_sid": console.account.sid,
        "capabilities": [name.upper() for name, can in number.capabilities.items() if can and name != "fax"],
        "country_code": "US",
        "date_created": iso(console.begun),
        "date_updated": iso(console.begun),
        "phone_number": number.number,
        "service_sid": service,
        "sid": number.sid,
        "url": f"{MESSAGING}/Services/{service}/PhoneNumbers/{number.sid}",
    }


def campaign_json(console: Console) -> Json:
    """The service's 10DLC campaign."""
    sid, service = sid_of("QE", console.account.service_sid), console.account.service_sid
    return {
        "account_sid": console.account.sid,
        "age_gated": False,
        "brand_registration_sid": brand_sid(console),
        "campaign_id": "CREHEARS" if console.campaign == "VERIFIED" else None,
        "campaign_status": console.campaign,
        "date_created": iso(console.begun),
        "date_updated": iso(console.begun),
        "description": "Volunteers ask constituents, who agreed to it, to call an official.",
        "direct_lending": False,
        "errors": [],
        "has_embedded_links": True,
        "has_embedded_phone": True,
        "help_keywords": ["HELP"],
        "help_message": None,
        "is_externally_registered": False,
        "message_flow": "People sign up on paper, on the web or by texting JOIN.",
        "message_samples": ["Reply CALL and we connect you. Reply STOP to opt out."],
        "messaging_service_sid": service,
        "mock": True,
        "opt_in_keywords": ["START"],
        "opt_in_message": None,
        "opt_out_keywords": ["STOP"],
        "opt_out_message": None,
        "rate_limits": None,
        "sid": sid,
        "subscriber_opt_in": True,
        "us_app_to_person_usecase": "CHARITY",
        "url": f"{MESSAGING}/Services/{service}/Compliance/Usa2p/{sid}",
    }


def brand_json(console: Console) -> Json:
    """The brand behind the campaign."""
    sid = brand_sid(console)
    return {
        "a2p_profile_bundle_sid": sid_of("BU", "profile"),
        "account_sid": console.account.sid,
        "brand_feedback": [],
        "brand_score": None,
        "brand_type": "STANDARD",
        "customer_profile_bundle_sid": sid_of("BU", "customer"),
        "date_created": iso(console.begun),
        "date_updated": iso(console.begun),
        "errors": [],
        "failure_reason": None,
        "government_entity": False,
        "identity_status": "VERIFIED",
        "links": {"brand_vettings": f"{MESSAGING}/a2p/BrandRegistrations/{sid}/Vettings"},
        "mock": True,
        "russell_3000": False,
        "sid": sid,
        "skip_automatic_sec_vet": False,
        "status": console.brand,
        "tax_exempt_status": "501c3",
        "tcr_id": None,
        "url": f"{MESSAGING}/a2p/BrandRegistrations/{sid}",
    }


def verification_json(number: Number, console: Console) -> Json:
    """A toll-free number's verification, as far as it says anything here."""
    sid = sid_of("HH", number.number)
    return {
        "account_sid": console.account.sid,
        "date_created": iso(console.begun),
        "date_updated": iso(console.begun),
        "edit_allowed": False,
        "error_code": None,
        "rejection_reason": None,
        "sid": sid,
        "status": number.verification,
        "tollfree_phone_number": number.number,
        "tollfree_phone_number_sid": number.sid,
        "url": f"{MESSAGING}/Tollfree/Verifications/{sid}",
    }


def country_json(console: Console) -> Json:
    """Whom in the United States may be called."""
    url = f"{VOICE}/DialingPermissions/Countries/US"
    return {
        "continent": "NORTH_AMERICA",
        "country_codes": ["+1"],
        "high_risk_special_numbers_enabled": console.calls["special"],
        "high_risk_tollfraud_numbers_enabled": console.calls["toll_fraud"],
        "iso_code": "US",
        "links": {"highrisk_special_prefixes": f"{url}/HighRiskSpecialPrefixes"},
        "low_risk_numbers_enabled": console.calls["low_risk"],
        "name": "United States/Canada",
        "url": url,
    }


def brand_sid(console: Console) -> str:
    """The brand's sid."""
    return sid_of("BN", console.account.sid)


def listed(path: str, name: str, entries: list[Json]) -> Json:
    """One page of a list as messaging/v1 writes it."""
    url = f"{MESSAGING}/{path}?PageSize=50&Page=0"
    meta = {
        "first_page_url": url, "key": name, "next_page_url": None, "page": 0, "page_size": 50,
        "previous_page_url": None, "url": url,
    }  # fmt: skip
    return {name: entries, "meta": meta}


def iso(seconds: float) -> str:
    """A real time as the newer APIs write it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
