// An audio device that writes down what it would have played. One for a whole test file, because the
// window keeps the device it has opened.
import { vi } from "vitest";
import type { Sound } from "../sound/sound";

type Note = { hz: number; shape: OscillatorType; first: boolean; loudest: number };

const sounds: Partial<Record<OscillatorType, Sound>> = { sine: "ok", triangle: "attention", square: "error" };

export function fakeAudio(): { notes: () => Note[]; heard: () => (Sound | undefined)[] } {
  let played: Note[] = [];
  class FakeAudioContext {
    readonly state = "running";
    readonly currentTime = 10;
    readonly destination = {};
    createGain() {
      const levels: number[] = [];
      const set = (level: number) => levels.push(level);
      return { levels, gain: { setValueAtTime: set, linearRampToValueAtTime: set }, connect: (next: unknown) => next };
    }
    createOscillator() {
      const voice = {
        type: "sine" as OscillatorType,
        frequency: { value: 0 },
        levels: [0],
        connect(gain: { levels: number[] }) {
          voice.levels = gain.levels;
          return gain;
        },
        start: (at: number) =>
          played.push({
            hz: voice.frequency.value,
            shape: voice.type,
            first: at === 10,
            loudest: Math.max(...voice.levels),
          }),
        stop() {},
      };
      return voice;
    }
  }
  vi.stubGlobal("AudioContext", FakeAudioContext);
  const notes = () => {
    const since = played;
    played = [];
    return since;
  };
  /** What was heard since the last question; a sound of two notes counts once. */
  const heard = () =>
    notes()
      .filter((note) => note.first)
      .map((note) => sounds[note.shape]);
  return { notes, heard };
}
