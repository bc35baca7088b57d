/** Attacks that do not suit a server that people use, or cannot be seen from outside, and why. */
export const LEFT_OUT: readonly {readonly what: string; readonly why: string}[] = [
  {
    what: 'one answer of the provider brought many times at once, and after a restart',
    why: 'it needs a login that someone ends, and a server that is stopped',
  },
  {
    what: 'a malicious provider beside an honest one (mix-up)',
    why: 'it would have to be among the providers of this server',
  },
  {
    what: 'forged ID tokens and logout tokens, and a flood of unknown key ids',
    why: 'what the server then asks of the provider is not seen from here, and would be a load on the provider',
  },
  {
    what: 'providers whose metadata or name leads into the network inside (SSRF)',
    why: 'only who configures a provider can try it, and the connection would be seen inside alone',
  },
  {
    what: 'limits, and made-up addresses in X-Forwarded-For to get round them',
    why: 'it would use up the logins that your own address has',
  },
  {
    what: 'secrets in logs, metrics and tables',
    why: 'they are inside',
  },
];
