/* Preloaded into a test: makes system calls on the store's files fail as a control file says.
 *
 * Control file, named by PARSECD_FAULTS: `OPERATION ERRNO SKIP TIMES`. OPERATION: w write, g write that makes
 * the file longer, r the same while the store's reserve exists, s sync, t truncate, - none. The first SKIP calls of that operation succeed, the next TIMES
 * fail. Counting begins anew whenever the content changes. A file beside it, with the suffix .fired, is made
 * when a call failed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char last[64];
static long calls;

static int of_the_store(int fd)
{
    char link[64], target[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length < 0)
        return 0;
    target[length] = 0;
    return strstr(target, "keys.sqlite3") != NULL || strstr(target, ".key") != NULL;
}

/* The errno to fail with, or 0. */
static int fault(char operation, int fd)
{
    const char *path = getenv("PARSECD_FAULTS");
    if (path == NULL || !of_the_store(fd))
        return 0;
    char control[64] = {0}, wanted = '-';
    int error = 0, fail = 0;
    long skip = 0, times = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    if (read(file, control, sizeof control - 1) < 0)
        control[0] = 0;
    close(file);
    pthread_mutex_lock(&lock);
    if (strcmp(control, last) != 0) {
        strcpy(last, control);
        calls = 0;
    }
    if (sscanf(control, "%c %d %ld %ld", &wanted, &error, &skip, &times) == 4 && wanted == operation) {
        fail = calls >= skip && calls < skip + times;
        calls++;
    }
    pthread_mutex_unlock(&lock);
    if (!fail)
        return 0;
    char fired[4096];
    snprintf(fired, sizeof fired, "%s.fired", path);
    close(open(fired, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    return error;
}

/* Whether the store's reserve lies beside the file. */
static int reserve_beside(int fd)
{
    char link[64], target[4096 + 32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, target, 4095);
    if (length < 0)
        return 0;
    target[length] = 0;
    char *slash = strrchr(target, '/');
    if (slash == NULL)
        return 0;
    strcpy(slash + 1, "parsecd.reserve");
    return access(target, F_OK) == 0;
}

static int write_fault(int fd, off_t end)
{
    struct stat status;
    int error = fault('w', fd);
    if (error == 0 && fstat(fd, &status) == 0 && end > status.st_size) {
        error = fault('g', fd);
        if (error == 0 && reserve_beside(fd))
            error = fault('r', fd);
    }
    return error;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAIL_IF(expression)                                                                                       \
    do {                                                                                                          \
        int error = (expression);                                                                                 \
        if (error != 0) {                                                                                         \
            errno = error;                                                                                        \
            return -1;                                                                                            \
        }                                                                                                         \
    } while (0)

ssize_t write(int fd, const void *bytes, size_t count)
{
    FAIL_IF(write_fault(fd, lseek(fd, 0, SEEK_CUR) + (off_t)count));
    return REAL(write)(fd, bytes, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    FAIL_IF(write_fault(fd, offset + (off_t)count));
    return REAL(pwrite)(fd, bytes, count, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset)
{
    FAIL_IF(write_fault(fd, offset + (off_t)count));
    return REAL(pwrite64)(fd, bytes, count, offset);
}

int fsync(int fd)
{
    FAIL_IF(fault('s', fd));
    return REAL(fsync)(fd);
}

int fdatasync(int fd)
{
    FAIL_IF(fault('s', fd));
    return REAL(fdatasync)(fd);
}

int ftruncate(int fd, off_t length)
{
    FAIL_IF(fault('t', fd));
    return REAL(ftruncate)(fd, length);
}

int ftruncate64(int fd, off64_t length)
{
    FAIL_IF(fault('t', fd));
    return REAL(ftruncate64)(fd, length);
}
