// SPDX-License-Identifier: Apache-2.0
// Sends a message with nodemailer: node send.js MODULES '{"host":..., "port":..., "secure":..., ...}'
const { createRequire } = require('module');
const nodemailer = createRequire(process.argv[2] + '/')('nodemailer');
const o = JSON.parse(process.argv[3]);
const transport = nodemailer.createTransport({
  host: o.host, port: o.port, secure: o.secure, requireTLS: !o.secure, auth: { user: o.user, pass: o.password },
  tls: { ca: require('fs').readFileSync(o.ca), servername: 'relay.test', minVersion: 'TLSv1.2' },
});
transport.sendMail({
  from: o.from, to: o.to, subject: o.subject, text: o.text, html: `<p>${o.text}</p>`,
  attachments: [{ filename: 'r.csv', content: 'a;b\n' }],
}).then((info) => { console.log(info.response); transport.close(); }, (error) => { console.error(error); process.exit(1); });
