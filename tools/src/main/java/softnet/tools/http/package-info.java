/**
 * HTTP/1.1 as far as a file server and a downloader need it (RFC 9110, RFC 9112), apart from any socket: messages are
 * parsed from and written to byte streams.
 */
@NullMarked
package softnet.tools.http;

import org.jspecify.annotations.NullMarked;
