"""SMTP server for a test: prints its port, then each mail as a line of JSON."""

import json
import sys
import time
from email import message_from_bytes, policy

from aiosmtpd.controller import Controller


class Handler:
    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        line = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "subject": mail["Subject"],
                "sender": mail["From"], "text": mail.get_content()}
        print(json.dumps(line), flush=True)
        return "250 OK"


controller = Controller(Handler(), hostname="127.0.0.1", port=int(sys.argv[1]))
controller.start()
print("ready", flush=True)
# Not for ever, whatever becomes of the test.
time.sleep(120)
