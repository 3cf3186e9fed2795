// Runs in the browser: phones, each with its own place in one of LiveKit's rooms, and what they hear there.

const { DisconnectReason, Room, RoomEvent } = LivekitClient;

class Phone {
  /** Why the last room ended for it: a name of LiveKit's. */
  ended = null;
  #room = null;
  /** The room's own way to LiveKit, which it forgets at its end. */
  #engine = null;
  /** The tracks that are received, and whose they are. */
  #tracks = new Map();
  /** Whom it heard: identity → stream → packets, also of streams that are over. */
  #heard = new Map();

  async connect(url, token, rtcConfig) {
    // Without pauses in silence, fifty packets a second come from whoever speaks.
    const room = new Room({ publishDefaults: { dtx: false, red: false } });
    this.ended = null;
    this.#room = room;
    this.#tracks.clear();
    room.on(RoomEvent.TrackSubscribed, (track, _, participant) => {
      this.#tracks.set(track, participant.identity);
      track.attach(); // unless it is played, nothing is decoded
    });
    room.on(RoomEvent.TrackUnsubscribed, (track) => {
      track.detach();
      this.#tracks.delete(track);
    });
    room.on(RoomEvent.Disconnected, (reason) => {
      this.ended ??= DisconnectReason[reason] ?? 'UNKNOWN_REASON';
    });
    await room.connect(url, token, { rtcConfig, maxRetries: 0 });
    this.#engine = room.engine;
  }

  /** Opens the microphone: published when this is done. LiveKit's refusal is thrown. */
  async speak() {
    await this.#room.localParticipant.setMicrophoneEnabled(true);
  }

  async leave() {
    await this.#room.disconnect();
  }

  state() {
    return this.#room.state;
  }

  /** The token it would come back with: LiveKit renews the one that opened the door. */
  token() {
    return this.#engine.token;
  }

  mayPublish() {
    return this.#room.localParticipant.permissions?.canPublish ?? false;
  }

  /** Whom it sees in the room, besides itself. */
  others() {
    return [...this.#room.remoteParticipants.keys()];
  }

  /** How many packets, and how much sound, came from each so far. */
  async heard() {
    for (const [track, identity] of this.#tracks) {
      for (const stream of (await reports(track)).filter(({ type }) => type === 'inbound-rtp')) {
        if (!this.#heard.has(identity)) this.#heard.set(identity, new Map());
        this.#heard.get(identity).set(stream.ssrc, { packets: stream.packetsReceived, energy: stream.totalAudioEnergy ?? 0 });
      }
    }
    const sum = (streams, what) => [...streams.values()].reduce((all, stream) => all + stream[what], 0);
    return Object.fromEntries([...this.#heard].map(([identity, streams]) => {
      return [identity, { packets: sum(streams, 'packets'), energy: sum(streams, 'energy') }];
    }));
  }

  /** The ways its media takes, there and back: the kinds of both candidates of each pair in use. */
  async paths() {
    const microphones = [...this.#room.localParticipant.audioTrackPublications.values()].map(({ track }) => track);
    const paths = [];
    for (const track of [...this.#tracks.keys(), ...microphones]) {
      const all = new Map((await reports(track)).map((report) => [report.id, report]));
      for (const transport of [...all.values()].filter(({ type }) => type === 'transport')) {
        const pair = all.get(transport.selectedCandidatePairId);
        const [local, remote] = [all.get(pair.localCandidateId), all.get(pair.remoteCandidateId)];
        paths.push({ local: local.candidateType, remote: remote.candidateType, protocol: local.protocol, relay: local.url });
      }
    }
    return paths;
  }
}

async function reports(track) {
  return [...((await track.getRTCStatsReport()) ?? new Map()).values()];
}

const phones = [];

window.newPhone = () => phones.push(new Phone()) - 1;

window.onPhone = (index, what, args) => {
  const phone = phones[index];
  return typeof phone[what] === 'function' ? phone[what](...args) : phone[what];
};
