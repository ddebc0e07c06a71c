# SPDX-License-Identifier: Apache-2.0
"""What docs/operations.md says of a restore: a copy without owners starts again with all that waited, and a new range
of user ids is taken over by the next start."""
import os
import shutil
import subprocess


def owners(instance):
    return [os.stat(instance.folder / name).st_uid for name in ("keys", "keys/root.key", "store", "store/journal")]


def test_copy_without_owners_starts_whole(lab):
    receiver = lab.receiver("later", replies={"mail": ["450 4.2.0 not now"] * 3 + ["250 2.1.0 ok"]})
    instance = lab.sealpost(settings={"courier.retry": ["2s"], "roles.uid": 62000})
    message = instance.submit("patient@later.test")
    instance.stop()
    copy = f"{instance.folder}-copy"
    subprocess.run(["cp", "-r", "--preserve=mode", str(instance.folder), copy], check=True)
    shutil.rmtree(instance.folder)
    os.rename(copy, instance.folder)
    assert owners(instance) == [0, 0, 0, 0]
    instance.start()
    assert owners(instance) == [62001, 62001, 62002, 62002]
    instance.run("check", "--deep")
    instance.settings["roles.uid"] = 62100
    instance.write_configuration()
    instance.restart()
    assert owners(instance) == [62101, 62101, 62102, 62102]
    assert instance.outcome(message)["state"] == "delivered" and len(receiver.messages) == 1
    instance.check()
