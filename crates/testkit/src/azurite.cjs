// Azurite's blob service with one empty container, `tributary`, in memory. It says where it listens when
// the container is there. The account and its key are the emulator's own, which every client knows.
// Arguments: the folder with `node_modules`, the account, its key.
const { createHmac } = require('node:crypto');
const path = require('node:path');

const [folder, account, key] = process.argv.slice(-3);
const say = console.log;
const container = async (base) => {
  const date = new Date().toUTCString();
  const version = '2021-08-06';
  // Shared Key: the method, eleven empty headers, Azure's own headers, and what is asked for. The account
  // stands twice, as it is part of the emulator's paths.
  const text = `PUT${'\n'.repeat(12)}x-ms-date:${date}\nx-ms-version:${version}\n` +
    `/${account}/${account}/tributary\nrestype:container`;
  const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64');
  const headers = {
    authorization: `SharedKey ${account}:${signature}`, 'x-ms-date': date, 'x-ms-version': version,
  };
  const url = `${base}/${account}/tributary?restype=container`;
  const answer = await fetch(url, { method: 'PUT', headers });
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
};
console.log = (line) => {
  const base = /successfully listens on (http:\/\/\S+)/.exec(String(line));
  if (base) container(base[1]).then(() => say(`container at ${base[1]}`), (e) => { say(e); process.exit(1); });
};
process.argv = [process.argv[0], 'azurite-blob', '--blobHost', '127.0.0.1', '--blobPort', '0', '--silent',
  '--inMemoryPersistence', '--skipApiVersionCheck', '--disableTelemetry'];
require(path.join(folder, 'node_modules/azurite/dist/src/blob/main.js'));
