// A real Chromium, the distribution's, without a window.
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from 'playwright-core';

/** Starts it; every address of example.com and example.net leads to `edgePort` of this machine. */
export function launchChromium(edgePort: number): Promise<Browser> {
  const to = `127.0.0.1:${edgePort}`;
  return chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--host-resolver-rules=MAP *.example.com ${to},MAP *.example.net ${to}`,
    ],
  });
}

export interface Person {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the browser complained of: violations of the policy, errors in the console. */
  readonly complaints: string[];
}

/** A person with a browser profile of their own. */
export async function person(browser: Browser, options: BrowserContextOptions = {}): Promise<Person> {
  const context = await browser.newContext({ignoreHTTPSErrors: true, ...options});
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    // The status of an error page is what the test asks for.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  const devtools = await context.newCDPSession(page);
  devtools.on('Audits.issueAdded', ({issue}) => {
    if (issue.code === 'ContentSecurityPolicyIssue') complaints.push(JSON.stringify(issue.details));
  });
  await devtools.send('Audits.enable');
  return {context, page, complaints};
}
