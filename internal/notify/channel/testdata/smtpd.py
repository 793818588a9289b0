"""A mail server for tests, on Debian's python3-aiosmtpd: STARTTLS or TLS, and AUTH.

Usage: smtpd.py MODE CERTIFICATE KEY DIRECTORY
MODE is starttls, tls or plain. It listens on a free port of 127.0.0.1, prints the port, writes
each letter it takes to DIRECTORY, and ends when its standard input closes.
"""
import json
import os
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult


class Handler:
    def __init__(self, directory):
        self.directory, self.count = directory, 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        name = os.path.join(self.directory, "%03d.json" % self.count)
        letter = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "data": envelope.content.decode("utf-8", "surrogateescape"),
                  "tls": server.transport.get_extra_info("ssl_object") is not None, "user": session.auth_data if session.authenticated else None}
        with open(name + ".part", "w") as f:
            json.dump(letter, f)
        os.rename(name + ".part", name)
        return "250 2.0.0 taken"


def authenticate(server, session, envelope, mechanism, data):
    login, password = data.login.decode(), data.password.decode()
    if (login, password) == ("ada", "mail-secret"):
        return AuthResult(success=True, auth_data=login)
    return AuthResult(success=False, handled=False, message="535 5.7.8 wrong name or password")


def main():
    mode, certificate, key, directory = sys.argv[1:]
    context = None
    if mode != "plain":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    options = {"hostname": "mail.test"}
    if mode != "plain":
        options.update(authenticator=authenticate, auth_required=True)
    if mode == "starttls":
        options.update(tls_context=context, require_starttls=True)
    if mode == "tls":
        options.update(auth_require_tls=False)

    class Listening(Controller):
        def factory(self):
            return SMTP(self.handler, **options)

        def _trigger_server(self):  # the port is only known once it listens
            self.port = self.server.sockets[0].getsockname()[1]
            super()._trigger_server()

    controller = Listening(Handler(directory), hostname="127.0.0.1", port=0, ssl_context=context if mode == "tls" else None)
    controller.start()
    print(controller.port, flush=True)
    sys.stdin.read()
    controller.stop()


main()
