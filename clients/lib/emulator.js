// Firebase's own Auth emulator, and the phone's side of signing in with it.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import axios from 'axios';

import { Child } from './child.js';
import { freePort } from './ports.js';

const FIREBASE = fileURLToPath(new URL('../node_modules/firebase-tools/lib/bin/firebase.js', import.meta.url));

/** The command line loads slowly: 5 to 15 s on an idle machine. */
const START = 150_000;

export class Emulator {
  #child;
  #folder;

  /** `project` must begin with `demo-`: for such a one the emulator never looks for a real project or a login. */
  static async start(project) {
    const emulator = new Emulator();
    emulator.project = project;
    emulator.#folder = await mkdtemp(join(tmpdir(), 'banter-firebase-'));
    const [auth, hub, logging] = [await freePort(), await freePort(), await freePort()];
    emulator.host = `127.0.0.1:${auth}`;
    const at = (port) => ({ host: '127.0.0.1', port });
    const emulators = { auth: at(auth), hub: at(hub), logging: at(logging), ui: { enabled: false }, singleProjectMode: true };
    await writeFile(join(emulator.#folder, 'firebase.json'), JSON.stringify({ emulators }));
    const args = [FIREBASE, 'emulators:start', '--only', 'auth', '--project', project];
    // A home of its own has neither a login nor consent to usage statistics; CI means no news and no questions.
    const home = { HOME: emulator.#folder, XDG_CONFIG_HOME: emulator.#folder };
    const env = { PATH: process.env.PATH, CI: '1', NO_UPDATE_NOTIFIER: '1', NO_COLOR: '1', ...home };
    emulator.#child = new Child(process.execPath, args, { env, cwd: emulator.#folder });
    await emulator.#child.becomes('the Auth emulator answers', START, async () => {
      const answer = await axios.get(`http://${emulator.host}/`, { timeout: 2000 }).catch(() => null);
      return answer?.data.authEmulator?.ready;
    });
    return emulator;
  }

  /** What the app does: asks for a code, reads the text message, hands the code in. Answers Firebase's answer. */
  async signInByPhone(phoneNumber) {
    const { sessionInfo } = await this.#identityToolkit('accounts:sendVerificationCode', { phoneNumber });
    const sent = await axios.get(`http://${this.host}/emulator/v1/projects/${this.project}/verificationCodes`);
    const { code } = sent.data.verificationCodes.findLast((sms) => sms.phoneNumber === phoneNumber);
    return this.#identityToolkit('accounts:signInWithPhoneNumber', { sessionInfo, code });
  }

  /** A Firebase login without a phone number. */
  async signInAnonymously() {
    return this.#identityToolkit('accounts:signUp', { returnSecureToken: true });
  }

  async stop() {
    if (!this.#child.running) return;
    const code = await this.#child.end('SIGTERM', 30_000);
    await rm(this.#folder, { recursive: true, force: true });
    assert.equal(code, 0, this.#child.said);
  }

  async #identityToolkit(method, body) {
    const url = `http://${this.host}/identitytoolkit.googleapis.com/v1/${method}?key=any`;
    return (await axios.post(url, body, { timeout: 10_000 })).data;
  }
}
