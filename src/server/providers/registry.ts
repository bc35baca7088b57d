import {isDeepStrictEqual} from 'node:util';
import type {ProviderSettings} from '../../support/configuration/configuration.ts';
import {AuthError} from '../../support/errors.ts';
import {Provider, type ProviderContext} from './provider.ts';

/** The providers in use, by name. */
export class ProviderRegistry {
  readonly #context: ProviderContext;
  #providers = new Map<string, Provider>();
  #started = false;

  constructor(settings: readonly ProviderSettings[], context: ProviderContext) {
    this.#context = context;
    this.replace(settings);
  }

  get all(): Provider[] {
    return [...this.#providers.values()];
  }

  /** Starts to watch each provider's health. */
  start(): void {
    this.#started = true;
    for (const provider of this.all) void provider.health.start();
  }

  stop(): void {
    this.#started = false;
    for (const provider of this.all) provider.health.stop();
  }

  /** Takes the new settings; a provider whose settings did not change keeps its state. */
  replace(settings: readonly ProviderSettings[]): void {
    const before = this.#providers;
    this.#providers = new Map(
      settings.map((entry) => {
        const known = before.get(entry.name);
        const same = known && isDeepStrictEqual(known.settings, entry);
        return [entry.name, same ? known : this.#provider(entry)];
      }),
    );
    for (const [name, provider] of before) {
      if (this.#providers.get(name) === provider) continue;
      provider.health.stop();
      this.#context.onGone(name);
    }
    if (!this.#started) return;
    for (const provider of this.all) {
      if (before.get(provider.settings.name) !== provider) void provider.health.start();
    }
  }

  /** What is under way with it when it is replaced goes on, and tells nothing that would be taken for its successor's. */
  #provider(settings: ProviderSettings): Provider {
    const inUse = (): boolean => this.#providers.get(settings.name) === provider;
    const provider: Provider = new Provider(settings, telling(this.#context, inUse));
    return provider;
  }

  find(name: string): Provider | undefined {
    return this.#providers.get(name);
  }

  /** The provider that a login names, or the only one. Throws `invalid_request`. */
  choose(name: string | undefined): Provider {
    const names = [...this.#providers.keys()].join(', ');
    if (name !== undefined) {
      const provider = this.#providers.get(name);
      if (provider) return provider;
      throw new AuthError('invalid_request', 'an unknown provider was asked for', {
        message: `provider must be one of ${names}`,
      });
    }
    const [only, ...others] = this.all;
    if (only && others.length === 0) return only;
    throw new AuthError('invalid_request', 'no provider was named', {
      message: `provider is needed: one of ${names}`,
    });
  }
}

/** The context of a provider that is heard only while `heard` says so. */
function telling(context: ProviderContext, heard: () => boolean): ProviderContext {
  return {
    ...context,
    onCredentials(...told) {
      if (heard()) context.onCredentials(...told);
    },
    onStaleKeys(...told) {
      if (heard()) context.onStaleKeys(...told);
    },
    onChange(...told) {
      if (heard()) context.onChange(...told);
    },
  };
}
