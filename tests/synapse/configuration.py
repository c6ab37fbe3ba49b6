"""How a Synapse under test is set up: sqlite in its folder, TLS on the loopback address, no rate limits."""

import json
from pathlib import Path
from typing import Any


def write(
    folder: Path,
    server_name: str,
    port: int,
    tls_files: tuple[Path, Path, Path],
    more: dict[str, Any],
) -> None:
    """Writes `homeserver.yaml` and `log.yaml` into the folder, where `signing.key` is to be.

    `tls_files` are (authority, certificate, private key); `more` are options of Synapse over these.
    """
    config = {**_config(folder, server_name, port, tls_files), **more}
    # JSON is YAML, so no YAML writer is needed.
    (folder / "homeserver.yaml").write_text(json.dumps(config, indent=1))
    (folder / "log.yaml").write_text(json.dumps(_log_config(folder), indent=1))


def _config(folder: Path, server_name: str, port: int, tls_files: tuple[Path, Path, Path]) -> dict[str, Any]:
    authority, certificate, key = (str(path) for path in tls_files)
    unlimited = {"per_second": 1000, "burst_count": 1000}
    return {
        "server_name": server_name,
        "report_stats": False,
        "pid_file": str(folder / "homeserver.pid"),
        "signing_key_path": str(folder / "signing.key"),
        "media_store_path": str(folder / "media"),
        "log_config": str(folder / "log.yaml"),
        "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
        "listeners": [
            {
                "port": port,
                "bind_addresses": ["127.0.0.1"],
                "type": "http",
                "tls": True,
                "resources": [{"names": ["client", "federation"]}],
            }
        ],
        "tls_certificate_path": certificate,
        "tls_private_key_path": key,
        "federation_custom_ca_list": [authority],
        # No notary is asked. The empty lists allow loopback, which Synapse refuses otherwise.
        "trusted_key_servers": [],
        "suppress_key_server_warning": True,
        "ip_range_blacklist": [],
        "federation_ip_range_blacklist": [],
        "federation": {
            "destination_min_retry_interval": "1s",
            "destination_max_retry_interval": "1s",
        },
        # We ask «am I invited yet?» by the same /sync again and again, and want a fresh answer.
        "caches": {"sync_response_cache_duration": "0s"},
        "enable_registration": True,
        "enable_registration_without_verification": True,
        "bcrypt_rounds": 4,
        "presence": {"enabled": False},
        "push": {"enabled": False},
        "stats": {"enabled": False},
        "rc_message": unlimited,
        "rc_registration": unlimited,
        "rc_login": {"address": unlimited, "account": unlimited, "failed_attempts": unlimited},
        "rc_admin_redaction": unlimited,
        "rc_joins": {"local": unlimited, "remote": unlimited},
        "rc_joins_per_room": unlimited,
        "rc_invites": {"per_room": unlimited, "per_user": unlimited, "per_issuer": unlimited},
        "rc_room_creation": unlimited,
        "rc_federation": {
            "window_size": 1000,
            "sleep_limit": 10000,
            "sleep_delay": 1,
            "reject_limit": 10000,
            "concurrent": 100,
        },
    }


def _log_config(folder: Path) -> dict[str, Any]:
    return {
        "version": 1,
        # Otherwise Synapse says why it refuses an event to nobody.
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {
            "file": {
                "class": "logging.FileHandler",
                "filename": str(folder / "synapse.log"),
                "formatter": "line",
            }
        },
        "root": {"level": "INFO", "handlers": ["file"]},
    }
