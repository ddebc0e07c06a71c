// SPDX-License-Identifier: Apache-2.0
// Opens a sealed message with the public Encryption SDK: open.js DIR aes|rsa MODULES. DIR holds the files that
// tests/tools/seal_sample writes (or the like). Writes the plaintext to DIR/opened-aes or -rsa and prints the context.
'use strict';
const fs = require('fs');
const path = require('path');
const [dir, kind, modules] = process.argv.slice(2);
const load = require('module').createRequire(path.join(path.resolve(modules), 'package.json'));
const sdk = load('@aws-crypto/client-node');
const { decrypt } = sdk.buildClient(sdk.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
const read = (name) => fs.readFileSync(path.join(dir, name));

function keyring() {
  if (kind === 'rsa') {
    return new sdk.RawRsaKeyringNode({
      keyName: read('escrow.name').toString(),
      keyNamespace: 'sealpost-escrow',
      rsaKey: { privateKey: read('escrow.pem').toString() },
      padding: require('crypto').constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: 'sha256',
    });
  }
  const secret = read('aes.key');
  const unencryptedMasterKey = new Uint8Array(secret.length);
  unencryptedMasterKey.set(secret);
  return new sdk.RawAesKeyringNode({
    keyName: read('aes.name').toString(),
    keyNamespace: 'sealpost',
    unencryptedMasterKey,
    wrappingSuite: sdk.RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
  });
}

decrypt(keyring(), read('message')).then(
  ({ plaintext, messageHeader }) => {
    fs.writeFileSync(path.join(dir, 'opened-' + kind), plaintext);
    console.log(JSON.stringify({ suite: messageHeader.suiteId, context: messageHeader.encryptionContext }));
  },
  (error) => {
    console.error(String(error));
    process.exit(1);
  }
);
