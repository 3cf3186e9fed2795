// Azure's own storage emulator, and the operator's side of it: containers, public or not.

import { createHmac } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import axios from 'axios';

import { Child } from './child.js';
import { freePort } from './ports.js';

const AZURITE = fileURLToPath(new URL('../node_modules/azurite/dist/src/blob/main.js', import.meta.url));

/** The emulator's account, which everybody knows. */
const ACCOUNT = 'devstoreaccount1';
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const VERSION = '2021-08-06';
const START = 60_000;

export const PUBLIC = ['avatars', 'room-covers'];
export const PRIVATE = ['chat-media', 'voice-messages', 'verification'];

export class Azurite {
  #child;

  /** With the containers that the provisioning makes. */
  static async start() {
    const azurite = new Azurite();
    const port = await freePort();
    azurite.url = `http://127.0.0.1:${port}/${ACCOUNT}`;
    const args = [AZURITE, '--blobHost', '127.0.0.1', '--blobPort', String(port)];
    args.push('--inMemoryPersistence', '--silent', '--disableTelemetry');
    azurite.#child = new Child(process.execPath, args, { env: { PATH: process.env.PATH } });
    await azurite.#child.becomes('Azurite answers', START, async () => {
      const answer = await axios.get(azurite.url, { timeout: 2000, validateStatus: null }).catch(() => null);
      return answer !== null;
    });
    try {
      const readable = { 'x-ms-blob-public-access': 'blob' };
      for (const name of PUBLIC) await azurite.ask('PUT', `/${name}?restype=container`, readable);
      for (const name of PRIVATE) await azurite.ask('PUT', `/${name}?restype=container`);
    } catch (error) {
      await azurite.stop();
      throw error;
    }
    return azurite;
  }

  get connectionString() {
    return `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${KEY};BlobEndpoint=${this.url};`;
  }

  /** Asks with the account's key ("Authorize with Shared Key"). */
  async ask(method, path, extra = {}) {
    const url = new URL(this.url + path);
    const headers = { ...extra, 'x-ms-date': new Date().toUTCString(), 'x-ms-version': VERSION };
    const canonical = Object.keys(headers).sort().map((name) => `${name}:${headers[name]}\n`).join('');
    const query = [...url.searchParams].sort().map(([name, value]) => `\n${name}:${value}`).join('');
    const text = `${method}\n\n\n\n\n\n\n\n\n\n\n\n${canonical}/${ACCOUNT}${url.pathname}${query}`;
    const signature = createHmac('sha256', Buffer.from(KEY, 'base64')).update(text, 'utf8').digest('base64');
    headers.Authorization = `SharedKey ${ACCOUNT}:${signature}`;
    // Not axios: it adds headers of its own, which would have to be signed too.
    const answer = await fetch(url, { method, headers, signal: AbortSignal.timeout(10_000) });
    const data = Buffer.from(await answer.arrayBuffer());
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${data}`);
    return { headers: Object.fromEntries(answer.headers), data };
  }

  async stop() {
    if (this.#child.running) await this.#child.end('SIGKILL', 10_000);
  }
}
