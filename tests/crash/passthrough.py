# SPDX-License-Identifier: LGPL-2.1-or-later
"""Passthrough ids of a connection, counted: nobody can list them, but closing one tells if it was there."""

import ctypes
import errno
import os
import struct

PIDFD_GETFD = 438
# Linux, include/uapi/linux/fuse.h: FUSE_DEV_IOC_BACKING_OPEN and _CLOSE.
BACKING_OPEN = 0x4010E501
BACKING_CLOSE = 0x4004E502
LIBC = ctypes.CDLL(None, use_errno=True)


def connection_of(pid):
    """A descriptor of our own of the connection that the daemon PID serves."""
    directory = "/proc/%d/fd" % pid
    number = next(int(fd) for fd in os.listdir(directory)
                  if os.readlink(os.path.join(directory, fd)) == "/dev/fuse")
    pidfd = os.pidfd_open(pid)
    try:
        fd = LIBC.syscall(PIDFD_GETFD, pidfd, number, 0)
    finally:
        os.close(pidfd)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    return fd


def open_id(connection, path):
    """A new id for the file PATH; ids grow by one."""
    fd = os.open(path, os.O_RDWR)
    try:
        backing = ctypes.create_string_buffer(struct.pack("=iIQ", fd, 0, 0), 16)
        number = LIBC.ioctl(connection, BACKING_OPEN, backing)
    finally:
        os.close(fd)
    if number <= 0:
        raise OSError(ctypes.get_errno(), "FUSE_DEV_IOC_BACKING_OPEN")
    return number


def close_id(connection, number):
    """True when there was one."""
    if LIBC.ioctl(connection, BACKING_CLOSE, ctypes.byref(ctypes.c_uint32(number))) == 0:
        return True
    if ctypes.get_errno() != errno.ENOENT:
        raise OSError(ctypes.get_errno(), "FUSE_DEV_IOC_BACKING_CLOSE")
    return False


def close_all(pid, path):
    """Close each id that the daemon PID's connection has. PATH: a file of its base, for an id of ours.

    Returns how many ids were given out so far, ours left out, and how many of them were still there.
    """
    connection = connection_of(pid)
    try:
        newest = open_id(connection, path)
        n_open = sum(close_id(connection, number) for number in range(1, newest + 1))
    finally:
        os.close(connection)
    return newest - 1, n_open - 1
