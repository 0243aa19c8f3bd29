package net.skbuff;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks a method or a class that runs for every packet, and so may not allocate in the steady state: no streams,
 * {@code Optional}, boxing, varargs, {@code String.format} or capturing lambdas. An exception is written beside it as
 * {@code // allocates: why}. A test reads the class files and holds the marked code to this.
 */
@Documented
@Retention(RetentionPolicy.CLASS)
@Target({ElementType.METHOD, ElementType.CONSTRUCTOR, ElementType.TYPE})
public @interface HotPath {}
