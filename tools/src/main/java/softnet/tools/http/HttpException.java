package softnet.tools.http;

import java.io.IOException;

/** A request that gets an error as its answer. */
public final class HttpException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int status;

    /** The status to answer with, and why. */
    public HttpException(int status, String why) {
        super(why);
        this.status = status;
    }

    /** The status code. */
    public int status() {
        return status;
    }

    /** The reason phrase of a status that we send. */
    public static String reason(int status) {
        return switch (status) {
            case 100 -> "Continue";
            case 200 -> "OK";
            case 201 -> "Created";
            case 204 -> "No Content";
            case 206 -> "Partial Content";
            case 304 -> "Not Modified";
            case 400 -> "Bad Request";
            case 403 -> "Forbidden";
            case 404 -> "Not Found";
            case 405 -> "Method Not Allowed";
            case 409 -> "Conflict";
            case 411 -> "Length Required";
            case 413 -> "Content Too Large";
            case 414 -> "URI Too Long";
            case 416 -> "Range Not Satisfiable";
            case 417 -> "Expectation Failed";
            case 431 -> "Request Header Fields Too Large";
            case 500 -> "Internal Server Error";
            case 501 -> "Not Implemented";
            case 505 -> "HTTP Version Not Supported";
            case 507 -> "Insufficient Storage";
            default -> "Status";
        };
    }
}
