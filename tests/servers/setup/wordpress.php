<?php
// Installs WordPress with 130 posts. Usage: php wordpress.php FOLDER HOST:PORT, after wp-config.php is in the folder.
define('WP_INSTALLING', true);
$_SERVER += ['HTTP_HOST' => $argv[2], 'REQUEST_URI' => '/', 'SERVER_PROTOCOL' => 'HTTP/1.1'];
require "$argv[1]/wp-load.php";
require ABSPATH . 'wp-admin/includes/upgrade.php';
function wp_mail() { return true; }
wp_install('test', 'admin', 'admin@localhost.localdomain', true, '', 'test');
wp_delete_post(1, true);
for ($i = 0; $i < 130; $i++) {
    wp_insert_post(['post_title' => "post $i", 'post_content' => 'x', 'post_status' => 'publish', 'post_author' => 1]);
}
