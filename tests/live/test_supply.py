"""What is given to others: clauses 10.6.1 to 10.6.3 of SECURITY."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import support

ONCE = True
SOURCE = Path(os.environ["RSPROF_SOURCE"])
BUILD = Path(support.TOP).parent
WHO = ["-c", "user.name=Tester", "-c", "user.email=tester@example.org"]


class Supply(support.LiveTest):
    def run_in(self, folder, *command, **environment):
        return subprocess.run(
            [str(word) for word in command], cwd=folder, env=dict(os.environ, **environment),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=280, check=False)

    def run_well(self, folder, *command, **environment):
        done = self.run_in(folder, *command, **environment)
        self.assertEqual(done.returncode, 0, f"{command}:\n{done.stdout[-4000:]}")
        return done.stdout

    def test_other_folder_and_user(self):
        """10.6.2: the same bytes elsewhere."""
        output = self.run_well(BUILD, "make", "-s", "reproducible")
        for name in ("rsprof-top", ".tar.xz"):
            self.assertRegex(output, rf"reproduced \S*{name}: [0-9a-f]{{64}}\n")

    def test_bill_of_materials(self):
        """10.6.1: what it is made of."""
        self.run_well(BUILD, "make", "-s", "sbom")
        tarball = next(BUILD.glob("rsprof-top-*.tar.xz"))
        bill = json.loads(next(BUILD.glob("rsprof-top-*.spdx.json")).read_text())
        self.assertEqual(bill["spdxVersion"], "SPDX-2.3")
        packages = {package["name"]: package for package in bill["packages"]}
        digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
        self.assertEqual(packages["rsprof-top"]["checksums"][0]["checksumValue"], digest)
        linked = subprocess.run(["ldd", support.TOP], stdout=subprocess.PIPE, text=True, check=True)
        for library in ("libbpf", "libdw", "libelf", "libseccomp", "jansson"):
            self.assertIn(library, linked.stdout)
            self.assertNotIn(packages[library]["versionInfo"], ("", "unknown"))
        known = {package["SPDXID"] for package in bill["packages"]} | {"SPDXRef-DOCUMENT"}
        for relation in bill["relationships"]:
            self.assertIn(relation["spdxElementId"], known)
            self.assertIn(relation["relatedSpdxElement"], known)

    def repository(self):
        """A commit of this source, in a repository of its own, and a build folder."""
        folder, keys = self.folder(), self.folder()
        keys.chmod(0o700)
        tarball = next(BUILD.glob("rsprof-top-*.tar.xz"))
        self.run_well(folder, "tar", "xf", tarball, "--strip-components=1")
        shutil.copy(SOURCE / ".gitignore", folder)
        self.run_well(folder, "git", "init", "-q")
        self.run_well(folder, "git", "add", "-A", "-f")
        self.run_well(folder, "git", *WHO, "commit", "-q", "-m", "All of it")
        build = self.folder()
        self.run_well(build, folder / "configure", "--quiet")
        self.addCleanup(subprocess.run, ["gpgconf", "--homedir", str(keys), "--kill", "all"])
        self.run_well(folder, "gpg", "--batch", "--passphrase", "", "--quick-gen-key",
                      "Tester <tester@example.org>", "ed25519", "sign", GNUPGHOME=str(keys))
        return folder, build, str(keys)

    def assert_refused(self, build, keys, why):
        done = self.run_in(build, "make", "-s", "release", GNUPGHOME=keys)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(why, done.stdout)
        self.assertFalse((build / "release").exists())

    def test_release(self):
        """10.6.3: of a signed tag only, and signed."""
        self.run_well(BUILD, "make", "-s", "dist")
        folder, build, keys = self.repository()
        version = next(BUILD.glob("rsprof-top-*.tar.xz")).name[len("rsprof-top-"):-len(".tar.xz")]
        tag = f"v{version}"
        self.assert_refused(build, keys, "no tag")
        self.run_well(folder, "git", *WHO, "tag", "-a", "-m", "unsigned", tag)
        self.assert_refused(build, keys, "no good signature")
        self.run_well(folder, "git", "tag", "-d", tag)
        self.run_well(folder, "git", *WHO, "tag", "-s", "-m", "signed", tag, GNUPGHOME=keys)
        (folder / "README").write_text("changed")
        self.assert_refused(build, keys, "not committed")
        self.run_well(folder, "git", *WHO, "commit", "-q", "-a", "-m", "Another")
        self.assert_refused(build, keys, "not what is checked out")
        self.run_well(folder, "git", "checkout", "-q", tag)
        self.run_well(build, "make", "-s", "release", GNUPGHOME=keys)
        self.verify(build / "release", keys)

    def verify(self, release, keys):
        """As SECURITY says it."""
        self.run_well(release, "gpg", "--verify", "SHA256SUMS.asc", "SHA256SUMS", GNUPGHOME=keys)
        listed = self.run_well(release, "sha256sum", "--check", "--strict", "SHA256SUMS")
        self.assertIn(".tar.xz: OK", listed)
        self.assertIn(".spdx.json: OK", listed)
        sums = release / "SHA256SUMS"
        sums.write_text(sums.read_text().replace("a", "b", 1))
        done = self.run_in(release, "gpg", "--verify", "SHA256SUMS.asc", "SHA256SUMS",
                           GNUPGHOME=keys)
        self.assertNotEqual(done.returncode, 0)
