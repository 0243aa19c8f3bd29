package softnet.tools.iperf;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The JSON of the control connection. Numbers become Long or Double, objects and arrays maps and lists. */
public final class IperfJson {
    private static final JsonFactory FACTORY = new JsonFactory();

    private IperfJson() {}

    /** Parses one object. @throws IOException for anything else */
    public static Map<String, Object> parse(byte[] json) throws IOException {
        try (JsonParser parser = FACTORY.createParser(json)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new IOException("not a JSON object");
            }
            return object(parser);
        }
    }

    private static Map<String, Object> object(JsonParser parser) throws IOException {
        Map<String, Object> map = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            parser.nextToken();
            Object value = value(parser);
            if (value != null) {
                map.put(name, value);
            }
        }
        return map;
    }

    private static @Nullable Object value(JsonParser parser) throws IOException {
        JsonToken token = parser.currentToken();
        if (token == null) {
            throw new IOException("JSON ends early");
        }
        return switch (token) {
            case START_OBJECT -> object(parser);
            case START_ARRAY -> array(parser);
            case VALUE_STRING -> parser.getText();
            // A client that counts no retransmissions says so as an unsigned -1.
            case VALUE_NUMBER_INT -> parser.getBigIntegerValue().longValue();
            case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
            case VALUE_TRUE -> Boolean.TRUE;
            case VALUE_FALSE -> Boolean.FALSE;
            default -> null;
        };
    }

    private static List<Object> array(JsonParser parser) throws IOException {
        List<Object> list = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            Object value = value(parser);
            if (value != null) {
                list.add(value);
            }
        }
        return list;
    }

    /**
     * The server's results, with the length before them as they go over the wire.
     *
     * @param cpuPercent processor time used during the test
     * @param congestion the congestion control in use, null for UDP
     */
    public static byte[] results(
            List<IperfStats> streams, boolean tcp, boolean sender, double cpuPercent, @Nullable String congestion)
            throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = FACTORY.createGenerator(bytes)) {
            json.writeStartObject();
            json.writeNumberField("cpu_util_total", cpuPercent);
            json.writeNumberField("cpu_util_user", cpuPercent);
            json.writeNumberField("cpu_util_system", 0.0);
            json.writeNumberField("sender_has_retransmits", sender ? tcp ? 1 : 0 : -1);
            if (congestion != null) {
                json.writeStringField("congestion_used", congestion);
            }
            json.writeArrayFieldStart("streams");
            for (IperfStats stream : streams) {
                json.writeStartObject();
                json.writeNumberField("id", stream.id);
                json.writeNumberField("bytes", stream.bytes());
                json.writeNumberField("retransmits", stream.sender && tcp ? stream.retransmits() : -1);
                json.writeNumberField("jitter", stream.jitterSeconds);
                json.writeNumberField("errors", stream.lost);
                json.writeNumberField("packets", stream.packets);
                json.writeNumberField("omitted_errors", stream.omittedLost);
                json.writeNumberField("omitted_packets", stream.omittedPackets);
                json.writeNumberField("start_time", 0.0);
                json.writeNumberField("end_time", stream.seconds());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        return framed(bytes.toByteArray());
    }

    /** A message with its length in 4 bytes of network order before it. */
    public static byte[] framed(byte[] json) {
        return ByteBuffer.allocate(4 + json.length)
                .putInt(json.length)
                .put(json)
                .array();
    }
}
