/* SPDX-License-Identifier: MIT */
#include "client/ctl/change.h"

#include "client/ctl/common.h"
#include "client/ctl/json.h"

/* change_options() - read a command line that has no option but --id. Return: 0 or CTL_USAGE. */
int change_options(Ctl *ctl, const char **ret_id) {
        const char *value;
        int key;

        *ret_id = NULL;
        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                if (key == CTL_OPTIONS_WRONG)
                        return CTL_USAGE;
                *ret_id = value;
        }
        return 0;
}

/**
 * change_operand() - of a command about one segment, what stands behind it
 * @ctl:        the command line, from which it is taken
 * @id:         value of --id, or NULL if the segment is an operand
 * @missing:    what it is and how it looks, for a sentence
 *
 * Return: its text; or NULL, of which the user was told.
 */
const char *change_operand(Ctl *ctl, const char *id, const char *missing) {
        int n_names = id ? 0 : 1;

        if (ctl->argc < n_names)
                (void) ctl_usage(ctl, "the name of a segment is missing");
        else if (ctl->argc == n_names)
                (void) ctl_usage(ctl, "%s", missing);
        else if (ctl->argc > n_names + 1)
                (void) ctl_usage(ctl, "'%s' is one argument too many", ctl->argv[n_names + 1]);
        else
                return ctl->argv[--ctl->argc];
        return NULL;
}

/* An id stands alone. Wrong ones are told before anything is asked. */
static int change_check(Ctl *ctl, const char *id) {
        Selector selector;
        int r;

        if (!id && ctl->argc > 0)
                return 0;
        r = ctl_no_operands(ctl);
        return r ? r : ctl_select(ctl, id, &selector);
}

static int change_all(Ctl *ctl, const char *id, Change *change, const void *userdata, Json *json) {
        int code = CTL_SUCCESS, r;

        do {
                _cleanup_(shmbroker_info_freep) struct shmbroker_info *info = NULL;
                Selector selector;

                r = ctl_select(ctl, id, &selector);
                if (r)
                        return r;
                r = change(ctl, &selector, userdata, &info);
                if (r)
                        code = r;
                else if (ctl->json)
                        json_append_text(json, "segments", shmbroker_info_json(info));
        } while (ctl->argc > 0 && code != CTL_NO_BROKER);
        return code;
}

/**
 * change_segments() - change all segments that the command line names
 * @ctl:        the command line, whose operands are names
 * @id:         value of --id, which stands for all of them; or NULL
 * @change:     what to do to each
 * @userdata:   handed on
 *
 * What one cannot be done does not keep the others from being done.
 *
 * Return: an exit code.
 */
int change_segments(Ctl *ctl, const char *id, Change *change, const void *userdata) {
        _cleanup_(json_deinit) Json json = JSON_NULL_DOCUMENT;
        int code, r;

        r = change_check(ctl, id);
        if (r)
                return r;
        r = ctl_connect(ctl);
        if (r)
                return r;
        json_add_list(&json, "segments");
        code = change_all(ctl, id, change, userdata, &json);
        if (!ctl->json || code == CTL_NO_BROKER)
                return code;
        r = json_print(&json);
        return code ? code : r;
}

/* change_attributes() - a Change by struct shmbroker_attributes */
int change_attributes(const Ctl *ctl, const Selector *selector, const void *userdata,
                      struct shmbroker_info **ret) {
        if (shmbroker_set_attributes(ctl->connection, selector->name, selector->id, userdata, ret))
                return ctl_failed(ctl);
        return 0;
}

/* change_remove_on_last_detach() - this alone, of a segment by its number. Return: 0 or an exit
 * code. */
int change_remove_on_last_detach(const Ctl *ctl, int64_t id, bool remove,
                                 struct shmbroker_info **ret) {
        _cleanup_(shmbroker_attributes_freep) struct shmbroker_attributes *changes = NULL;
        Selector selector = { .id = id };

        if (shmbroker_attributes_new(&changes))
                return ctl_no_memory();
        shmbroker_attributes_set_remove_on_last_detach(changes, remove);
        return change_attributes(ctl, &selector, changes, ret);
}
