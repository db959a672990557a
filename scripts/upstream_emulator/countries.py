"""The countries that have a music chart."""

from __future__ import annotations

COUNTRIES = {
    "AT": "Austria", "ZZ": "Global", "AR": "Argentina", "AU": "Australia", "BE": "Belgium",
    "BO": "Bolivia", "BR": "Brazil", "CA": "Canada", "CL": "Chile", "CO": "Colombia",
    "CR": "Costa Rica", "CZ": "Czechia", "DK": "Denmark", "DO": "Dominican Republic",
    "EC": "Ecuador", "EG": "Egypt", "SV": "El Salvador", "EE": "Estonia", "FI": "Finland",
    "FR": "France", "DE": "Germany", "GT": "Guatemala", "HN": "Honduras", "HK": "Hong Kong",
    "HU": "Hungary", "IS": "Iceland", "IN": "India", "ID": "Indonesia", "IE": "Ireland",
    "IL": "Israel", "IT": "Italy", "JP": "Japan", "KE": "Kenya", "LU": "Luxembourg",
    "MY": "Malaysia", "MX": "Mexico", "NL": "Netherlands", "NZ": "New Zealand",
    "NI": "Nicaragua", "NG": "Nigeria", "NO": "Norway", "PA": "Panama", "PY": "Paraguay",
    "PE": "Peru", "PH": "Philippines", "PL": "Poland", "PT": "Portugal", "RO": "Romania",
    "RU": "Russia", "SA": "Saudi Arabia", "RS": "Serbia", "SG": "Singapore",
    "ZA": "South Africa", "KR": "South Korea", "ES": "Spain", "SE": "Sweden",
    "CH": "Switzerland", "TW": "Taiwan", "TZ": "Tanzania", "TH": "Thailand", "TR": "Türkiye",
    "UG": "Uganda", "UA": "Ukraine", "AE": "United Arab Emirates", "GB": "United Kingdom",
    "US": "United States", "UY": "Uruguay", "VN": "Vietnam", "ZW": "Zimbabwe",
}  # fmt: skip
